-- +goose Up

create table passkey (
	id         text not null primary key,
	account    text not null references account (id) on delete cascade,
	name       text not null,
	record     blob not null,
	created_at integer not null,
	used_at    integer not null,
	sum        integer not null
) strict, without rowid;
create index passkey_account on passkey (account);
