-- What changes every night leaves the wide loan row: one narrow row per loan that a night rewrites, and a snapshot that is
-- rewritten only when something other than time has happened to the loan.
create table loan_day (
  institution_id text not null,
  loan_id text not null,
  status text not null,
  processed_to text not null,
  next_due_on text not null,
  next_due_minor integer not null,
  outstanding_minor integer not null,
  due_minor integer not null,
  days_past_due integer not null,
  posted_json text not null,
  event_seq integer not null,
  updated_at integer not null,
  version integer not null,
  primary key (institution_id, loan_id)
) strict, without rowid;
insert into loan_day (institution_id, loan_id, status, processed_to, next_due_on, next_due_minor, outstanding_minor, due_minor, days_past_due, posted_json, event_seq, updated_at, version)
  select institution_id, id, status, processed_to, next_due_on, next_due_minor, outstanding_minor, due_minor, days_past_due, posted_json, event_seq, updated_at, version from loan;
create index loan_day_status on loan_day (institution_id, status, loan_id);
drop index loan_processed;
alter table loan drop column status;
alter table loan drop column processed_to;
alter table loan drop column next_due_on;
alter table loan drop column next_due_minor;
alter table loan drop column outstanding_minor;
alter table loan drop column due_minor;
alter table loan drop column days_past_due;
alter table loan drop column posted_json;
alter table loan drop column event_seq;
alter table loan drop column updated_at;
alter table loan drop column version;

-- A cache: layout names the encoding, event_seq the events it holds. Whatever does not match is replayed instead.
create table loan_snapshot (
  institution_id text not null,
  loan_id text not null,
  event_seq integer not null,
  layout integer not null,
  branch_id text not null,
  product_id text not null,
  state blob not null,
  primary key (institution_id, loan_id)
) strict, without rowid;

-- What a chunk of loans earned on one business date, on its way to the general ledger; entry_id names the entry that posted it.
create table loan_sum (
  institution_id text not null,
  business_date text not null,
  branch_id text not null,
  product_id text not null,
  currency text not null,
  origin text not null,
  last_id text not null,
  loans integer not null,
  lines_json text not null,
  entry_id text not null,
  created_at integer not null,
  primary key (institution_id, business_date, branch_id, product_id, currency, origin)
) strict, without rowid;
create index loan_sum_entry on loan_sum (institution_id, entry_id, business_date, branch_id, product_id, currency);
