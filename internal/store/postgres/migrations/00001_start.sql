-- What rows asks of SQLite: where bytes stand in others, from 1, or 0.
create function instr(hay bytea, needle bytea) returns integer language sql immutable strict parallel safe
	as 'select position(needle in hay)';

create function instance_log() returns trigger language plpgsql as '
begin
	delete from log_line where instance = old.id;
	return old;
end';
create trigger instance_log after delete on instance for each row execute function instance_log();
