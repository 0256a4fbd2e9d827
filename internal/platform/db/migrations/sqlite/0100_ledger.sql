-- The ledger grows dimensions. An entry carries the branch and the product it belongs to, a line may carry a
-- sub-account; balances are kept per account, sub-account, branch and currency, turnovers per month and per day.
-- Both are projections: journal.Upgrade derives them from the entries when a head's projection is behind.
alter table journal_entry add column branch text not null default '';
alter table journal_entry add column product text not null default '';
alter table journal_line add column sub text not null default '';
create index journal_line_sub on journal_line (institution_id, account_code, sub, seq);
alter table journal_head add column projection integer not null default 0;
alter table journal_head add column rules integer not null default 1;

alter table account add column parent_code text not null default '';
alter table account add column active integer not null default 1;
alter table account add column open_api integer not null default 0;
alter table account add column manual integer not null default 1;
alter table account add column overdraft_minor integer not null default -1;
alter table account add column monetary integer not null default 1;
alter table account add column version integer not null default 1;
update account set manual = 0 where code in ('1132', '1133', '1221', '1303', '1304', '6011', '6012', '6021');

create table ledger_balance (
  institution_id text not null,
  account_code text not null,
  sub text not null,
  branch text not null,
  currency text not null,
  debit_minor integer not null,
  credit_minor integer not null,
  held_minor integer not null,
  last_seq integer not null,
  last_hash text not null,
  seal text not null,
  primary key (institution_id, account_code, sub, branch, currency)
) strict, without rowid;

create table ledger_turnover (
  institution_id text not null,
  period text not null,
  account_code text not null,
  branch text not null,
  product text not null,
  currency text not null,
  debit_minor integer not null,
  credit_minor integer not null,
  last_seq integer not null,
  last_hash text not null,
  seal text not null,
  primary key (institution_id, period, account_code, branch, product, currency)
) strict, without rowid;
create index ledger_turnover_account on ledger_turnover (institution_id, account_code, currency, period);

create table ledger_period (
  institution_id text not null,
  month text not null,
  state text not null,
  changed_at integer not null,
  changed_by text not null,
  note text not null,
  version integer not null,
  primary key (institution_id, month)
) strict, without rowid;
drop table account_balance;
