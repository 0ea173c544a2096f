-- +goose Up

-- When a hook tells of what it watches (quiet and silence in seconds), and at which times it does something.
alter table hook add column edge integer not null default 0;
alter table hook add column rearm text not null default '';
alter table hook add column quiet integer not null default 0;
alter table hook add column together integer not null default 0;
alter table hook add column silence integer not null default 0;
alter table hook add column schedule text not null default '';
alter table hook add column zone text not null default '';
