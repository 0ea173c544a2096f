-- +goose Up

-- Flow servers that run elsewhere. instance and mqtt_user outlive what they name, so nothing refers to other tables.
create table device (
	id         text not null primary key,
	owner      text not null references account (id) on delete cascade,
	name       text not null unique,
	key        blob not null,
	instance   text not null,
	mqtt_user  text not null,
	version    text not null,
	no_editing integer not null,
	created_at integer not null,
	seen_at    integer not null,
	sum        integer not null
) strict, without rowid;
create index device_owner on device (owner);
