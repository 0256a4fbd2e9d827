-- The ledger grows dimensions. An entry carries the branch and the product it belongs to, a line may carry a
-- sub-account; balances are kept per account, sub-account, branch and currency, turnovers per month and per day.
-- Both are projections: journal.Upgrade derives them from the entries when a head's projection is behind.
alter table journal_entry add column branch text not null default '';
alter table journal_entry add column product text not null default '';
alter table journal_line add column sub text not null default '';
create index journal_line_sub on journal_line (institution_id, account_code, sub, seq);
alter table journal_head add column projection bigint not null default 0;
alter table journal_head add column rules bigint not null default 1;

alter table account add column parent_code text not null default '';
alter table account add column active boolean not null default true;
alter table account add column open_api boolean not null default false;
alter table account add column manual boolean not null default true;
alter table account add column overdraft_minor bigint not null default -1;
alter table account add column monetary boolean not null default true;
alter table account add column version bigint not null default 1;
update account set manual = false where code in ('1132', '1133', '1221', '1303', '1304', '6011', '6012', '6021');

create table ledger_balance (
  institution_id text not null,
  account_code text not null,
  sub text not null,
  branch text not null,
  currency text not null,
  debit_minor bigint not null,
  credit_minor bigint not null,
  held_minor bigint not null,
  last_seq bigint not null,
  last_hash text not null,
  seal text not null,
  primary key (institution_id, account_code, sub, branch, currency)
);

create table ledger_turnover (
  institution_id text not null,
  period text not null,
  account_code text not null,
  branch text not null,
  product text not null,
  currency text not null,
  debit_minor bigint not null,
  credit_minor bigint not null,
  last_seq bigint not null,
  last_hash text not null,
  seal text not null,
  primary key (institution_id, period, account_code, branch, product, currency)
);
create index ledger_turnover_account on ledger_turnover (institution_id, account_code, currency, period);

create table ledger_period (
  institution_id text not null,
  month text not null,
  state text not null,
  changed_at bigint not null,
  changed_by text not null,
  note text not null,
  version bigint not null,
  primary key (institution_id, month)
);
drop table account_balance;
