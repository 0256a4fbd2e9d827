-- Projection of the instalments of all loans by due date: what the repayment calendar counts. It follows the events of
-- loans and can be rebuilt from them.
create table due_item (
  institution_id text not null,
  loan_id text not null,
  no bigint not null,
  due_date text not null,
  principal_minor bigint not null,
  interest_minor bigint not null,
  total_minor bigint not null,
  paid_minor bigint not null,
  cleared_on text not null,
  billed boolean not null,
  currency text not null,
  firm_id text not null,
  product_id text not null,
  branch_id text not null,
  branch_path text not null,
  primary key (institution_id, loan_id, no)
);
create index due_item_date on due_item (institution_id, due_date, loan_id, no);
