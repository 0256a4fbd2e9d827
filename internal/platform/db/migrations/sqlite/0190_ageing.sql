-- The ageing report of every business date: loans by days past due, branch, product and currency, and their principal beside the general ledger.
create table ageing_report (
  institution_id text not null,
  as_of text not null,
  taken_at integer not null,
  primary key (institution_id, as_of)
) strict, without rowid;
create table ageing_cell (
  institution_id text not null,
  as_of text not null,
  branch_id text not null,
  branch_path text not null,
  product_id text not null,
  currency text not null,
  bucket integer not null,
  loans integer not null,
  outstanding_minor integer not null,
  due_minor integer not null,
  behind integer not null,
  primary key (institution_id, as_of, branch_id, branch_path, product_id, currency, bucket)
) strict, without rowid;
create table ageing_tie (
  institution_id text not null,
  as_of text not null,
  currency text not null,
  loans_minor integer not null,
  ledger_minor integer not null,
  primary key (institution_id, as_of, currency)
) strict, without rowid;
