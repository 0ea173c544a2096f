-- +goose Up

create table identity (
	id         text not null primary key,
	account    text not null references account (id) on delete cascade,
	issuer     text not null,
	subject    text not null,
	email      text not null,
	created_at integer not null,
	used_at    integer not null,
	sum        integer not null
) strict, without rowid;
create index identity_account on identity (account);
