-- +goose Up

-- Requests that are done once, with the answers that they got.
create table once (
	account    text not null references account (id) on delete cascade,
	key        blob not null,
	digest     blob not null,
	status     integer not null,
	sealed     blob,
	created_at integer not null,
	sum        integer not null,
	primary key (account, key)
) strict, without rowid;
create index once_age on once (created_at);

-- Passwords that crossed a network in clear.
create table exposure (
	instance text not null,
	user     text not null,
	remote   text not null,
	client   text not null,
	times    integer not null,
	first_at integer not null,
	last_at  integer not null,
	sum      integer not null,
	primary key (instance, user),
	foreign key (instance, user) references mqtt_user (instance, name) on delete cascade
) strict, without rowid;
create index exposure_age on exposure (instance, last_at);
