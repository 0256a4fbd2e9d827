-- One row per closed business date: how far its end of day has come.
create table eod_run (
  institution_id text not null,
  closing_date text not null,
  next_date text not null,
  step text not null,
  collections bigint not null,
  unanswered bigint not null,
  loans bigint not null,
  started_at bigint not null,
  finished_at bigint not null,
  actor text not null,
  primary key (institution_id, closing_date)
);
