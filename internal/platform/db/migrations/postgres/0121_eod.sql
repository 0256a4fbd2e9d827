-- The end of a day, spread over workers and servers: ranges of loans with a lease that runs out, failures that stop nobody, and
-- the institution's own order of steps.
alter table eod_run add column plan text not null default '';
alter table eod_run add column failed bigint not null default 0;
alter table eod_run add column accepted text not null default '';

create table eod_part (
  institution_id text not null,
  closing_date text not null,
  step text not null,
  no bigint not null,
  last_id text not null,
  done_to text not null,
  loans bigint not null,
  done bigint not null,
  failed bigint not null,
  days bigint not null,
  worker text not null,
  lease_until bigint not null,
  started_at bigint not null,
  updated_at bigint not null,
  finished_at bigint not null,
  primary key (institution_id, closing_date, step, no)
);

create table eod_failure (
  institution_id text not null,
  closing_date text not null,
  loan_id text not null,
  step text not null,
  to_date text not null,
  code text not null,
  reason_zh text not null,
  reason_en text not null,
  tries bigint not null,
  first_at bigint not null,
  last_at bigint not null,
  resolved_at bigint not null,
  primary key (institution_id, closing_date, loan_id)
);
create index eod_failure_open on eod_failure (institution_id, resolved_at, closing_date, loan_id);

create table eod_setting (
  institution_id text not null,
  plan text not null,
  run_at text not null,
  helpers bigint not null,
  version bigint not null,
  updated_at bigint not null,
  primary key (institution_id)
);
