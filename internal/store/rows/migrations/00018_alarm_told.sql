-- +goose Up

-- Whether rules have been told of an alarm that stands; those from before were told in their way.
alter table stat_alarm add column untold integer not null default 0;
