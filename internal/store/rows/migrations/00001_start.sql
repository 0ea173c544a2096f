-- +goose Up

-- Times are microseconds since 1970, in UTC. sum is the CRC-32C of the other columns of its row.
create table account (
	id         text not null primary key,
	email      text not null unique,
	password   text not null,
	role       text not null,
	plan       text not null,
	language   text not null,
	created_at integer not null,
	sum        integer not null
) strict, without rowid;

create table browser_session (
	hash       blob not null primary key,
	account    text not null references account (id) on delete cascade,
	remote     text not null,
	agent      text not null,
	created_at integer not null,
	seen_at    integer not null,
	sum        integer not null
) strict, without rowid;
create index browser_session_account on browser_session (account);

create table invitation (
	id         text not null primary key,
	token_hash blob not null unique,
	email      text not null unique,
	invited_by text not null,
	sent       text not null,
	created_at integer not null,
	expires_at integer not null,
	sum        integer not null
) strict, without rowid;

create table instance (
	id         text not null primary key,
	owner      text not null references account (id) on delete cascade,
	name       text not null,
	region     text not null,
	plan       text not null,
	created_at integer not null,
	sum        integer not null
) strict, without rowid;
create index instance_owner on instance (owner);

create table mqtt_user (
	instance   text not null references instance (id) on delete cascade,
	name       text not null,
	first      integer not null,
	connect    integer not null,
	note       text not null,
	kind       text not null,
	secret     blob,
	sealed     blob,
	created_at integer not null,
	sum        integer not null,
	primary key (instance, name)
) strict, without rowid;

-- user is null for a rule of all users.
create table rule (
	instance   text not null references instance (id) on delete cascade,
	id         text not null,
	user       text,
	effect     text not null,
	access     text not null,
	filter     text not null,
	created_at integer not null,
	sum        integer not null,
	primary key (instance, id),
	foreign key (instance, user) references mqtt_user (instance, name) on delete cascade
) strict, without rowid;
create index rule_user on rule (instance, user);

create table flow_server (
	id         text not null primary key,
	owner      text not null references account (id) on delete cascade,
	name       text not null unique,
	created_at integer not null,
	sum        integer not null
) strict, without rowid;
create index flow_server_owner on flow_server (owner);

create table setting (
	key   text not null primary key,
	value blob,
	sum   integer not null
) strict, without rowid;

-- An entry outlives what it names, so nothing refers to other tables.
create table audit (
	id      integer primary key,
	time    integer not null,
	account text not null,
	via     text not null,
	remote  text not null,
	action  text not null,
	object  text not null,
	detail  text not null,
	sum     integer not null
) strict;

-- instance is '' for the operator's log, so this is no foreign key.
create table log_line (
	id       integer primary key,
	instance text not null,
	time     integer not null,
	kind     text not null,
	client   text not null,
	user     text not null,
	remote   text not null,
	topic    text not null,
	gate     text not null,
	rule     text not null,
	cause    text not null,
	reason   integer not null,
	sum      integer not null
) strict;
create index log_line_instance on log_line (instance, id);

-- +goose StatementBegin
create trigger instance_log after delete on instance begin
	delete from log_line where instance = old.id;
end;
-- +goose StatementEnd
