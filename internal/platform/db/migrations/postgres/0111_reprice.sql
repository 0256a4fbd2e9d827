-- Loans whose rate follows a benchmark, by the day of their next reset. A projection: the terms and the rate events say the same.
create table loan_reprice (
  institution_id text not null,
  loan_id text not null,
  next_on text not null,
  primary key (institution_id, loan_id)
);
create index loan_reprice_next on loan_reprice (institution_id, next_on, loan_id);
