-- +goose Up

-- events and mail_to are lists as JSON; sealed is what the POST is signed and authorized with, under the key file.
create table hook (
	instance   text not null references instance (id) on delete cascade,
	id         text not null,
	name       text not null,
	enabled    integer not null,
	events     text not null,
	filter     text not null,
	client     text not null,
	condition  text not null,
	action     text not null,
	url        text not null,
	sealed     blob,
	topic      text not null,
	template   text not null,
	qos        integer not null,
	retain     integer not null,
	mail_to    text not null,
	created_at integer not null,
	sum        integer not null,
	primary key (instance, id)
) strict, without rowid;

-- What a hook gave up. event is what it was, so that it isn't kept twice; body is the whole of it.
create table dead_letter (
	instance   text not null,
	id         integer not null,
	hook       text not null,
	event      text not null,
	topic      text not null,
	body       blob,
	cause      text not null,
	attempts   integer not null,
	created_at integer not null,
	sum        integer not null,
	primary key (instance, id),
	unique (instance, hook, event),
	foreign key (instance, hook) references hook (instance, id) on delete cascade
) strict, without rowid;
