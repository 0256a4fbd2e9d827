-- Projection of the instalments of all loans by due date: what the repayment calendar counts. It follows the events of
-- loans and can be rebuilt from them.
create table due_item (
  institution_id text not null,
  loan_id text not null,
  no integer not null,
  due_date text not null,
  principal_minor integer not null,
  interest_minor integer not null,
  total_minor integer not null,
  paid_minor integer not null,
  cleared_on text not null,
  billed integer not null,
  currency text not null,
  firm_id text not null,
  product_id text not null,
  branch_id text not null,
  branch_path text not null,
  primary key (institution_id, loan_id, no)
) strict, without rowid;
create index due_item_date on due_item (institution_id, due_date, loan_id, no);
