-- The statements of the bank, one for each account and day: what was fetched, what did not come and why.
create table bank_statement (
  institution_id text not null,
  account text not null,
  day text not null,
  currency text not null,
  state text not null,
  statement_id text not null,
  sequence integer not null,
  opening_minor integer not null,
  closing_minor integer not null,
  balances integer not null,
  entries integer not null,
  hash text not null,
  file_id text not null,
  code text not null,
  reason_zh text not null,
  reason_en text not null,
  tries integer not null,
  fetched_at integer not null,
  fetched_by text not null,
  primary key (institution_id, account, day)
) strict, without rowid;
create index bank_statement_day on bank_statement (institution_id, day, account);
create index bank_statement_number on bank_statement (institution_id, statement_id);
