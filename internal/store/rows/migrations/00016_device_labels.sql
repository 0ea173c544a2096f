-- +goose Up

-- The labels by which devices are a group; labels is a list of words as JSON.
create table device_labels (
	device text not null primary key references device (id) on delete cascade,
	labels text not null,
	sum    integer not null
) strict, without rowid;
