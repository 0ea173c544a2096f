-- +goose Up

-- From where clients may come to an instance. prefix is an address with the number of its bits that count.
create table guard (
	instance     text not null primary key references instance (id) on delete cascade,
	others       text not null,
	ban          integer not null,
	ban_tries    integer not null,
	ban_window   integer not null,
	ban_length   integer not null,
	connect_rate integer not null,
	sum          integer not null
) strict, without rowid;

create table address_rule (
	instance   text not null references instance (id) on delete cascade,
	id         text not null,
	prefix     text not null,
	effect     text not null,
	note       text not null,
	created_at integer not null,
	sum        integer not null,
	primary key (instance, id),
	unique (instance, prefix)
) strict, without rowid;

-- Addresses that people have shut out for a time.
create table ban (
	instance text not null references instance (id) on delete cascade,
	address  text not null,
	note     text not null,
	since    integer not null,
	until    integer not null,
	sum      integer not null,
	primary key (instance, address)
) strict, without rowid;

-- Browsers and networks from which an account has been signed in.
create table sign_in_place (
	account  text not null references account (id) on delete cascade,
	browser  text not null,
	network  text not null,
	first_at integer not null,
	last_at  integer not null,
	sum      integer not null,
	primary key (account, browser, network)
) strict, without rowid;

-- Whether the account wants no mail about sign-ins from new places.
alter table account add column quiet_sign_ins integer not null default 0;
