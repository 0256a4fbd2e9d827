-- Money of a sub-account that is reserved until it is posted, given up or its time runs out, and overdrafts
-- of single sub-accounts.
create table ledger_hold (
  institution_id text not null,
  reference text not null,
  id text not null,
  account_code text not null,
  sub text not null,
  branch text not null,
  product text not null,
  currency text not null,
  amount_minor bigint not null,
  counter_account text not null,
  counter_sub text not null,
  memo_zh text not null,
  memo_en text not null,
  object text not null,
  object_id text not null,
  state text not null,
  posted_minor bigint not null,
  entry_id text not null,
  expires_at bigint not null,
  created_at bigint not null,
  created_by text not null,
  closed_at bigint not null,
  closed_by text not null,
  primary key (institution_id, reference)
);
create index ledger_hold_state on ledger_hold (institution_id, state, expires_at);
create index ledger_hold_account on ledger_hold (institution_id, account_code, sub, state);

create table ledger_limit (
  institution_id text not null,
  account_code text not null,
  sub text not null,
  currency text not null,
  overdraft_minor bigint not null,
  changed_by text not null,
  changed_at bigint not null,
  version bigint not null,
  primary key (institution_id, account_code, sub, currency)
);
