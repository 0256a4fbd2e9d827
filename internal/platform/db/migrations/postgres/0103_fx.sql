-- Exchange rates by date, and the revaluations made with them.
create table ledger_rate (
  institution_id text not null,
  currency text not null,
  rate_date text not null,
  version bigint not null,
  rate bigint not null,
  source text not null,
  approved_by text not null,
  created_at bigint not null,
  primary key (institution_id, currency, rate_date, version)
);
create table ledger_revaluation (
  institution_id text not null,
  id text not null,
  reval_date text not null,
  run bigint not null,
  state text not null,
  entries bigint not null,
  result_minor bigint not null,
  created_at bigint not null,
  created_by text not null,
  reversed_at bigint not null,
  reversed_by text not null,
  primary key (institution_id, id)
);
create unique index ledger_revaluation_run on ledger_revaluation (institution_id, reval_date, run);
create trigger ledger_rate_append_only before update or delete or truncate on ledger_rate for each statement execute function append_only();
