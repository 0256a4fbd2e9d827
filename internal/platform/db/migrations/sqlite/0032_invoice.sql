-- Invoices: one row per line of a file; the same line again meets its own key and changes nothing.
-- content is a 64-bit hash of number, counterparty and amounts; nth counts lines of one file that say the same, void ones first.
create table invoice (
  institution_id text not null,
  firm_id text not null,
  direction integer not null,
  issued_on text not null,
  content integer not null,
  nth integer not null,
  number text not null,
  counterparty text not null,
  net_minor integer not null,
  tax_minor integer not null,
  gross_minor integer not null,
  flags integer not null,
  batch_id text not null,
  line integer not null,
  primary key (institution_id, firm_id, direction, issued_on, content, nth)
) strict, without rowid;

-- Rows wait here until their whole file has been read: a batch becomes visible at once or not at all.
create table invoice_staging (
  institution_id text not null,
  batch_id text not null,
  line integer not null,
  firm_id text not null,
  direction integer not null,
  issued_on text not null,
  content integer not null,
  number text not null,
  counterparty text not null,
  net_minor integer not null,
  tax_minor integer not null,
  gross_minor integer not null,
  flags integer not null,
  primary key (institution_id, batch_id, line)
) strict, without rowid;

create table import_batch (
  institution_id text not null,
  id text not null,
  kind text not null,
  file_name text not null,
  file_hash text not null,
  file_bytes integer not null,
  state text not null,
  options text not null,
  job_id text not null,
  staged integer not null,
  inserted integer not null,
  known integer not null,
  report text not null,
  same_as text not null,
  created_by text not null,
  created_at integer not null,
  finished_at integer not null,
  branch_path text not null,
  primary key (institution_id, id)
) strict;
create index import_batch_hash on import_batch (institution_id, file_hash);

create table import_error (
  institution_id text not null,
  batch_id text not null,
  seq integer not null,
  line integer not null,
  field text not null,
  heading text not null,
  value text not null,
  code text not null,
  message_zh text not null,
  message_en text not null,
  remedy_zh text not null,
  remedy_en text not null,
  primary key (institution_id, batch_id, seq)
) strict, without rowid;
