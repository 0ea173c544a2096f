-- +goose Up

-- How the clients of an instance log in. An instance without a row takes passwords.
create table logins (
	instance         text not null primary key references instance (id) on delete cascade,
	password         integer not null,
	token            integer not null,
	certificate      text not null,
	certificate_user text not null,
	token_issuer     text not null,
	token_audience   text not null,
	token_user       text not null,
	sum              integer not null
) strict, without rowid;

create table client_authority (
	instance    text not null references instance (id) on delete cascade,
	id          text not null,
	certificate blob not null,
	sealed      blob,
	created_at  integer not null,
	sum         integer not null,
	primary key (instance, id)
) strict, without rowid;

-- user is null for certificates of another's authority.
create table client_certificate (
	instance   text not null,
	authority  text not null,
	serial     text not null,
	user       text,
	note       text not null,
	created_at integer not null,
	expires_at integer not null,
	revoked_at integer not null,
	sum        integer not null,
	primary key (instance, authority, serial),
	foreign key (instance, authority) references client_authority (instance, id) on delete cascade,
	foreign key (instance, user) references mqtt_user (instance, name) on delete cascade
) strict, without rowid;
create index client_certificate_user on client_certificate (instance, user);

create table token_key (
	instance   text not null references instance (id) on delete cascade,
	id         text not null,
	key_id     text not null,
	key        text not null,
	url        text not null,
	created_at integer not null,
	sum        integer not null,
	primary key (instance, id)
) strict, without rowid;

create table metrics_token (
	instance   text not null primary key references instance (id) on delete cascade,
	hash       blob not null,
	created_at integer not null,
	sum        integer not null
) strict, without rowid;
