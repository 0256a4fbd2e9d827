-- Decisions: append-only, each with all that it was made from, so that it can be replayed.
create table decision (
  institution_id text not null,
  id text not null,
  firm_id text not null,
  application_id text not null,
  branch_path text not null,
  product_id text not null,
  recipe_version integer not null,
  recipe_hash text not null,
  result text not null,
  soft integer not null,
  grade text not null,
  pd integer not null,
  asked_minor integer not null,
  limit_minor integer not null,
  amount_minor integer not null,
  currency text not null,
  annual_rate integer not null,
  reason_codes text not null,
  as_of text not null,
  inputs_json text not null,
  outcome_json text not null,
  decided_at integer not null,
  actor text not null,
  primary key (institution_id, id)
) strict;
create index decision_firm on decision (institution_id, firm_id, id);
create index decision_branch on decision (institution_id, branch_path, id);

create trigger decision_no_update before update on decision begin select raise(abort, 'decision is append-only'); end;
create trigger decision_no_delete before delete on decision begin select raise(abort, 'decision is append-only'); end;
