-- +goose Up

-- Who may see the pages that a device's flows make: '' people who may open its editor, 'public' everybody, 'none' nobody.
alter table device add column pages text not null default '';
