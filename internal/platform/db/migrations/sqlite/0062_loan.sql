-- Loans: an append-only chain of events per loan is the truth; the loan row is its projection.
create table loan (
  institution_id text not null,
  id text not null,
  facility_id text not null,
  reference text not null,
  contract_id text not null,
  firm_id text not null,
  product_id text not null,
  branch_id text not null,
  branch_path text not null,
  terms_json text not null,
  payee_name text not null,
  payee_account text not null,
  payment_order_id text not null,
  status text not null,
  processed_to text not null,
  disbursed_on text not null,
  maturity_on text not null,
  next_due_on text not null,
  next_due_minor integer not null,
  currency text not null,
  principal_minor integer not null,
  outstanding_minor integer not null,
  due_minor integer not null,
  days_past_due integer not null,
  posted_json text not null,
  event_seq integer not null,
  event_hash text not null,
  created_at integer not null,
  updated_at integer not null,
  version integer not null,
  primary key (institution_id, id)
) strict, without rowid;
create unique index loan_reference on loan (institution_id, facility_id, reference);
create index loan_firm on loan (institution_id, firm_id, id);
create index loan_branch on loan (institution_id, branch_path, id);
create index loan_processed on loan (institution_id, processed_to, id);

create table loan_event (
  institution_id text not null,
  loan_id text not null,
  seq integer not null,
  kind text not null,
  value_date text not null,
  amount_minor integer not null,
  prepay integer not null,
  business_key text not null,
  note text not null,
  booked_at integer not null,
  actor text not null,
  prev_hash text not null,
  hash text not null,
  primary key (institution_id, loan_id, seq)
) strict, without rowid;
create unique index loan_event_key on loan_event (institution_id, loan_id, business_key);
create trigger loan_event_no_update before update on loan_event begin select raise(abort, 'loan_event is append-only'); end;
create trigger loan_event_no_delete before delete on loan_event begin select raise(abort, 'loan_event is append-only'); end;
