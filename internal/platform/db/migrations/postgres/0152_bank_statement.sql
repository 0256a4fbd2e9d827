-- The statements of the bank, one for each account and day: what was fetched, what did not come and why.
create table bank_statement (
  institution_id text not null,
  account text not null,
  day text not null,
  currency text not null,
  state text not null,
  statement_id text not null,
  sequence bigint not null,
  opening_minor bigint not null,
  closing_minor bigint not null,
  balances boolean not null,
  entries bigint not null,
  hash text not null,
  file_id text not null,
  code text not null,
  reason_zh text not null,
  reason_en text not null,
  tries bigint not null,
  fetched_at bigint not null,
  fetched_by text not null,
  primary key (institution_id, account, day)
);
create index bank_statement_day on bank_statement (institution_id, day, account);
create index bank_statement_number on bank_statement (institution_id, statement_id);
