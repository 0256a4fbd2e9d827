-- How many failed loans somebody has answered for: what fails beyond them holds the day back again.
alter table eod_run add column accepted_failed integer not null default 0;
update eod_run set accepted_failed = failed where accepted <> '';
