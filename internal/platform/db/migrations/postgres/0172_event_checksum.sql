-- An event bears a checksum over everything that is written with it, and its position, which comes later, is kept twice (the second time
-- negated), so that a bit that rots is noticed before anybody acts on the event. Events of before have no checksum.
alter table event add column checksum text not null default '';
alter table event add column position_check bigint;
update event set position_check = -position where position is not null;
