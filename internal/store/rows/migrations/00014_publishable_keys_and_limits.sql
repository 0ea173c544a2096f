-- +goose Up

-- Logins for pages; publish, subscribe and origins are lists as JSON.
create table publishable_key (
	instance    text not null references instance (id) on delete cascade,
	id          text not null,
	name        text not null,
	publish     text not null,
	subscribe   text not null,
	origins     text not null,
	connections integer not null,
	created_at  integer not null,
	expires_at  integer not null,
	sum         integer not null,
	primary key (instance, id)
) strict, without rowid;

-- Limits of users and rules. -62135596800000000 is no time: without end.
alter table mqtt_user add column client_id text not null default '';
alter table mqtt_user add column expires_at integer not null default -62135596800000000;
alter table rule add column qos_below integer not null default 0;
alter table rule add column no_retain integer not null default 0;
alter table rule add column expires_at integer not null default -62135596800000000;
alter table rule add column note text not null default '';
