-- +goose Up

-- What happened to an instance in one step of time; numbers is package stats' own encoding.
create table stat_point (
	instance text not null references instance (id) on delete cascade,
	step     integer not null,
	at       integer not null,
	numbers  blob not null,
	sum      integer not null,
	primary key (instance, step, at)
) strict, without rowid;

-- Alarms that stand.
create table stat_alarm (
	instance text not null references instance (id) on delete cascade,
	quota    text not null,
	level    integer not null,
	since    integer not null,
	sum      integer not null,
	primary key (instance, quota)
) strict, without rowid;
