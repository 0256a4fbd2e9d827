-- Invoices: one row per line of a file; the same line again meets its own key and changes nothing.
-- content is a 64-bit hash of number, counterparty and amounts; nth counts lines of one file that say the same, void ones first.
create table invoice (
  institution_id text not null,
  firm_id text not null,
  direction bigint not null,
  issued_on text not null,
  content bigint not null,
  nth bigint not null,
  number text not null,
  counterparty text not null,
  net_minor bigint not null,
  tax_minor bigint not null,
  gross_minor bigint not null,
  flags bigint not null,
  batch_id text not null,
  line bigint not null,
  primary key (institution_id, firm_id, direction, issued_on, content, nth)
);

-- Rows wait here until their whole file has been read: a batch becomes visible at once or not at all.
create table invoice_staging (
  institution_id text not null,
  batch_id text not null,
  line bigint not null,
  firm_id text not null,
  direction bigint not null,
  issued_on text not null,
  content bigint not null,
  number text not null,
  counterparty text not null,
  net_minor bigint not null,
  tax_minor bigint not null,
  gross_minor bigint not null,
  flags bigint not null,
  primary key (institution_id, batch_id, line)
);

create table import_batch (
  institution_id text not null,
  id text not null,
  kind text not null,
  file_name text not null,
  file_hash text not null,
  file_bytes bigint not null,
  state text not null,
  options text not null,
  job_id text not null,
  staged bigint not null,
  inserted bigint not null,
  known bigint not null,
  report text not null,
  same_as text not null,
  created_by text not null,
  created_at bigint not null,
  finished_at bigint not null,
  branch_path text not null,
  primary key (institution_id, id)
);
create index import_batch_hash on import_batch (institution_id, file_hash);

create table import_error (
  institution_id text not null,
  batch_id text not null,
  seq bigint not null,
  line bigint not null,
  field text not null,
  heading text not null,
  value text not null,
  code text not null,
  message_zh text not null,
  message_en text not null,
  remedy_zh text not null,
  remedy_en text not null,
  primary key (institution_id, batch_id, seq)
);
