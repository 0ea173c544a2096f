-- +goose Up

-- Names of people's own by which instances are reached. Several instances may want a name; one has proven it.
create table host_name (
	instance   text not null references instance (id) on delete cascade,
	name       text not null,
	token      text not null,
	created_at integer not null,
	proven_at  integer not null,
	checked_at integer not null,
	failing_at integer not null,
	sum        integer not null,
	primary key (instance, name)
) strict, without rowid;
create index host_name_name on host_name (name);
