-- Exchange rates by date, and the revaluations made with them.
create table ledger_rate (
  institution_id text not null,
  currency text not null,
  rate_date text not null,
  version integer not null,
  rate integer not null,
  source text not null,
  approved_by text not null,
  created_at integer not null,
  primary key (institution_id, currency, rate_date, version)
) strict, without rowid;
create table ledger_revaluation (
  institution_id text not null,
  id text not null,
  reval_date text not null,
  run integer not null,
  state text not null,
  entries integer not null,
  result_minor integer not null,
  created_at integer not null,
  created_by text not null,
  reversed_at integer not null,
  reversed_by text not null,
  primary key (institution_id, id)
) strict, without rowid;
create unique index ledger_revaluation_run on ledger_revaluation (institution_id, reval_date, run);
create trigger ledger_rate_no_update before update on ledger_rate begin select raise(abort, 'ledger_rate is append-only'); end;
create trigger ledger_rate_no_delete before delete on ledger_rate begin select raise(abort, 'ledger_rate is append-only'); end;
