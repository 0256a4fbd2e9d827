-- Money that comes in: files of the bank, what could not be read of them, the receipts in them and what became of
-- their money. An amount is always whole: what is open, posted, confirmed, on its way back, returned and ignored is it.
create table receipt_file (
  institution_id text not null,
  id text not null,
  hash text not null,
  name text not null,
  kind text not null,
  origin text not null,
  status text not null,
  row_count bigint not null,
  receipt_count bigint not null,
  repeat_count bigint not null,
  bad_count bigint not null,
  skipped_count bigint not null,
  amount_minor bigint not null,
  job_id text not null,
  problem_zh text not null,
  problem_en text not null,
  created_by text not null,
  created_at bigint not null,
  finished_at bigint not null,
  primary key (institution_id, id)
);
create unique index receipt_file_hash on receipt_file (institution_id, hash);

create table receipt_bad_row (
  institution_id text not null,
  file_id text not null,
  no bigint not null,
  line bigint not null,
  field text not null,
  value text not null,
  code text not null,
  message_zh text not null,
  message_en text not null,
  remedy_zh text not null,
  remedy_en text not null,
  primary key (institution_id, file_id, no)
);

create table receipt (
  institution_id text not null,
  id text not null,
  file_id text not null,
  line bigint not null,
  bank_key text not null,
  account text not null,
  amount_minor bigint not null,
  currency text not null,
  value_date text not null,
  payer_name text not null,
  payer_account text not null,
  bank_reference text not null,
  end_to_end_id text not null,
  remittance text not null,
  channel text not null,
  note text not null,
  loan_hint text not null,
  firm_hint text not null,
  prepay boolean not null,
  status text not null,
  open_minor bigint not null check (open_minor >= 0),
  posted_minor bigint not null check (posted_minor >= 0),
  confirmed_minor bigint not null check (confirmed_minor >= 0),
  returning_minor bigint not null check (returning_minor >= 0),
  returned_minor bigint not null check (returned_minor >= 0),
  ignored_minor bigint not null check (ignored_minor >= 0),
  rule text not null,
  score bigint not null,
  why_zh text not null,
  why_en text not null,
  plan text not null,
  use_count bigint not null,
  branch_path text not null,
  created_at bigint not null,
  updated_at bigint not null,
  version bigint not null,
  primary key (institution_id, id),
  constraint receipt_whole check (amount_minor > 0 and
    amount_minor = open_minor + posted_minor + confirmed_minor + returning_minor + returned_minor + ignored_minor)
);
create unique index receipt_bank_key on receipt (institution_id, bank_key);
create index receipt_status on receipt (institution_id, status, id);
create index receipt_file_of on receipt (institution_id, file_id, id);
create index loan_payee_account on loan (institution_id, payee_account, id);
create index loan_payee_name on loan (institution_id, payee_name, id);
create index loan_reference_of on loan (institution_id, reference, id);
create index payment_order_bank_reference on payment_order (institution_id, bank_reference, id);

create table receipt_use (
  institution_id text not null,
  receipt_id text not null,
  no bigint not null,
  kind text not null,
  amount_minor bigint not null,
  loan_id text not null,
  order_id text not null,
  reference text not null,
  note text not null,
  actor text not null,
  at bigint not null,
  primary key (institution_id, receipt_id, no)
);
create index receipt_use_loan on receipt_use (institution_id, loan_id, receipt_id, no);
create trigger receipt_use_append_only before update or delete or truncate on receipt_use for each statement execute function append_only();

create table receipt_policy (
  institution_id text not null,
  version bigint not null,
  body text not null,
  created_by text not null,
  created_at bigint not null,
  primary key (institution_id, version)
);
create trigger receipt_policy_append_only before update or delete or truncate on receipt_policy for each statement execute function append_only();
