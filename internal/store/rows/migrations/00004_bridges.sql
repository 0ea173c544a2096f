-- +goose Up

-- topics are lines as JSON; sealed is the password under the key file, null where there is none.
create table bridge (
	instance   text not null references instance (id) on delete cascade,
	id         text not null,
	name       text not null,
	enabled    integer not null,
	address    text not null,
	roots      text not null,
	client_id  text not null,
	user       text not null,
	sealed     blob,
	version    text not null,
	keep_alive integer not null,
	topics     text not null,
	created_at integer not null,
	sum        integer not null,
	primary key (instance, id)
) strict, without rowid;
