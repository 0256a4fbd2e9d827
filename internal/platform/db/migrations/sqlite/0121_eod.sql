-- The end of a day, spread over workers and servers: ranges of loans with a lease that runs out, failures that stop nobody, and
-- the institution's own order of steps.
alter table eod_run add column plan text not null default '';
alter table eod_run add column failed integer not null default 0;
alter table eod_run add column accepted text not null default '';

create table eod_part (
  institution_id text not null,
  closing_date text not null,
  step text not null,
  no integer not null,
  last_id text not null,
  done_to text not null,
  loans integer not null,
  done integer not null,
  failed integer not null,
  days integer not null,
  worker text not null,
  lease_until integer not null,
  started_at integer not null,
  updated_at integer not null,
  finished_at integer not null,
  primary key (institution_id, closing_date, step, no)
) strict, without rowid;

create table eod_failure (
  institution_id text not null,
  closing_date text not null,
  loan_id text not null,
  step text not null,
  to_date text not null,
  code text not null,
  reason_zh text not null,
  reason_en text not null,
  tries integer not null,
  first_at integer not null,
  last_at integer not null,
  resolved_at integer not null,
  primary key (institution_id, closing_date, loan_id)
) strict, without rowid;
create index eod_failure_open on eod_failure (institution_id, resolved_at, closing_date, loan_id);

create table eod_setting (
  institution_id text not null,
  plan text not null,
  run_at text not null,
  helpers integer not null,
  version integer not null,
  updated_at integer not null,
  primary key (institution_id)
) strict, without rowid;
