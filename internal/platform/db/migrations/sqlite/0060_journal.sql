-- The books: chart of accounts, entries chained by hash per institution, balances kept in the same transaction.
create table account (
  institution_id text not null,
  code text not null,
  name_zh text not null,
  name_en text not null,
  kind text not null,
  created_at integer not null,
  primary key (institution_id, code)
) strict, without rowid;

create table journal_head (
  institution_id text not null,
  seq integer not null,
  hash text not null,
  primary key (institution_id)
) strict, without rowid;

create table journal_entry (
  institution_id text not null,
  seq integer not null,
  id text not null,
  business_key text not null,
  entry_date text not null,
  memo_zh text not null,
  memo_en text not null,
  object text not null,
  object_id text not null,
  booked_at integer not null,
  actor text not null,
  prev_hash text not null,
  hash text not null,
  primary key (institution_id, seq)
) strict, without rowid;
create unique index journal_entry_id on journal_entry (institution_id, id);
create unique index journal_entry_key on journal_entry (institution_id, business_key);
create index journal_entry_object on journal_entry (institution_id, object, object_id, seq);
create index journal_entry_date on journal_entry (institution_id, entry_date, seq);

create table journal_line (
  institution_id text not null,
  seq integer not null,
  line_no integer not null,
  account_code text not null,
  currency text not null,
  amount_minor integer not null,
  primary key (institution_id, seq, line_no)
) strict, without rowid;
create index journal_line_account on journal_line (institution_id, account_code, seq);

create table account_balance (
  institution_id text not null,
  account_code text not null,
  currency text not null,
  debit_minor integer not null,
  credit_minor integer not null,
  last_seq integer not null,
  primary key (institution_id, account_code, currency)
) strict, without rowid;
create trigger journal_entry_no_update before update on journal_entry begin select raise(abort, 'journal_entry is append-only'); end;
create trigger journal_entry_no_delete before delete on journal_entry begin select raise(abort, 'journal_entry is append-only'); end;
create trigger journal_line_no_update before update on journal_line begin select raise(abort, 'journal_line is append-only'); end;
create trigger journal_line_no_delete before delete on journal_line begin select raise(abort, 'journal_line is append-only'); end;
