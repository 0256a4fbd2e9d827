-- The books: chart of accounts, entries chained by hash per institution, balances kept in the same transaction.
create table account (
  institution_id text not null,
  code text not null,
  name_zh text not null,
  name_en text not null,
  kind text not null,
  created_at bigint not null,
  primary key (institution_id, code)
);

create table journal_head (
  institution_id text not null,
  seq bigint not null,
  hash text not null,
  primary key (institution_id)
);

create table journal_entry (
  institution_id text not null,
  seq bigint not null,
  id text not null,
  business_key text not null,
  entry_date text not null,
  memo_zh text not null,
  memo_en text not null,
  object text not null,
  object_id text not null,
  booked_at bigint not null,
  actor text not null,
  prev_hash text not null,
  hash text not null,
  primary key (institution_id, seq)
);
create unique index journal_entry_id on journal_entry (institution_id, id);
create unique index journal_entry_key on journal_entry (institution_id, business_key);
create index journal_entry_object on journal_entry (institution_id, object, object_id, seq);
create index journal_entry_date on journal_entry (institution_id, entry_date, seq);

create table journal_line (
  institution_id text not null,
  seq bigint not null,
  line_no bigint not null,
  account_code text not null,
  currency text not null,
  amount_minor bigint not null,
  primary key (institution_id, seq, line_no)
);
create index journal_line_account on journal_line (institution_id, account_code, seq);

create table account_balance (
  institution_id text not null,
  account_code text not null,
  currency text not null,
  debit_minor bigint not null,
  credit_minor bigint not null,
  last_seq bigint not null,
  primary key (institution_id, account_code, currency)
);
create trigger journal_entry_append_only before update or delete or truncate on journal_entry for each statement execute function append_only();
create trigger journal_line_append_only before update or delete or truncate on journal_line for each statement execute function append_only();
