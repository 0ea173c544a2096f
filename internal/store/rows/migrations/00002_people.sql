-- +goose Up

create table reset_link (
	hash       blob not null primary key,
	account    text not null unique references account (id) on delete cascade,
	expires_at integer not null,
	sum        integer not null
) strict, without rowid;

-- instance is null for a token of all instances.
create table api_token (
	id         text not null primary key,
	hash       blob not null unique,
	account    text not null references account (id) on delete cascade,
	name       text not null,
	scope      text not null,
	instance   text references instance (id) on delete cascade,
	created_at integer not null,
	expires_at integer not null,
	used_at    integer not null,
	sum        integer not null
) strict, without rowid;
create index api_token_account on api_token (account);
create index api_token_instance on api_token (instance);

create table factor (
	id         text not null primary key,
	account    text not null references account (id) on delete cascade,
	kind       text not null,
	name       text not null,
	secret     blob,
	last       integer not null,
	created_at integer not null,
	used_at    integer not null,
	sum        integer not null
) strict, without rowid;
create index factor_account on factor (account);

create index audit_account on audit (account, id);
create index audit_object on audit (object, id);
