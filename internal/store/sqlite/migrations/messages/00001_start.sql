-- +goose Up

-- One row for each group commit. off is the offset of its first record, holders a set (two bits a name) of the
-- instances inside, so that a reader of one instance passes over other blocks without reading their data, and sum the
-- CRC-32C of off, count and holders. data has a checksum of its own.
create table log (
	off     integer primary key,
	count   integer not null,
	holders integer not null,
	sum     integer not null,
	data    blob not null
) strict;

-- In the following tables value begins with a CRC-32C of the whole row.
create table retained (
	instance text not null,
	topic    text not null,
	value    blob not null,
	primary key (instance, topic)
) strict, without rowid;

create table session (
	instance text not null,
	client   text not null,
	value    blob not null,
	primary key (instance, client)
) strict, without rowid;

create table subscription (
	instance text not null,
	client   text not null,
	filter   text not null,
	value    blob not null,
	primary key (instance, client, filter)
) strict, without rowid;

create table cursor (
	instance text not null,
	client   text not null,
	value    blob not null,
	primary key (instance, client)
) strict, without rowid;

create table packet (
	instance text not null,
	client   text not null,
	dir      integer not null,
	id       integer not null,
	value    blob not null,
	primary key (instance, client, dir, id)
) strict, without rowid;

-- Records of an instance below this offset were dropped with it and must not be read by a later one of its name.
-- finished is 0 while its rows in the tables above are still being deleted.
create table dropped (
	instance text not null primary key,
	below    integer not null,
	sum      integer not null,
	finished integer not null
) strict, without rowid;

-- oldest: the first offset that the log still has. next: the offset after the last one, as of the last clean end.
create table bound (
	name  text not null primary key,
	value integer not null
) strict, without rowid;

insert into bound values ('oldest', 1), ('next', 1);
