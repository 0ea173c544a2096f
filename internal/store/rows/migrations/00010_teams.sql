-- +goose Up

-- An account is a person, who is a team of one, or a team. A column that comes later is zero in the rows from before and
-- is then not in their checksums; the zero time is the year 1.
alter table account add column name text not null default '';
alter table account add column instances integer not null default 0;
alter table account add column suspended_at integer not null default -62135596800000000;
alter table account add column suspended_why text not null default '';
alter table browser_session add column team text not null default '';
alter table audit add column team text not null default '';
create index audit_team on audit (team, id);

create table membership (
	team       text not null references account (id) on delete cascade,
	person     text not null references account (id) on delete cascade,
	role       text not null,
	created_at integer not null,
	sum        integer not null,
	primary key (team, person)
) strict, without rowid;
create index membership_person on membership (person);

create table team_invitation (
	id         text not null primary key,
	token_hash blob not null unique,
	team       text not null references account (id) on delete cascade,
	email      text not null,
	role       text not null,
	invited_by text not null,
	created_at integer not null,
	expires_at integer not null,
	sum        integer not null
) strict, without rowid;
create index team_invitation_team on team_invitation (team);
