-- +goose Up

-- Filters of what a token for messages alone is for, as JSON; null for a token of another scope.
alter table api_token add column topics text not null default 'null';
