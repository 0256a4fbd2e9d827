-- Decisions: append-only, each with all that it was made from, so that it can be replayed.
create table decision (
  institution_id text not null,
  id text not null,
  firm_id text not null,
  application_id text not null,
  branch_path text not null,
  product_id text not null,
  recipe_version bigint not null,
  recipe_hash text not null,
  result text not null,
  soft boolean not null,
  grade text not null,
  pd bigint not null,
  asked_minor bigint not null,
  limit_minor bigint not null,
  amount_minor bigint not null,
  currency text not null,
  annual_rate bigint not null,
  reason_codes text not null,
  as_of text not null,
  inputs_json text not null,
  outcome_json text not null,
  decided_at bigint not null,
  actor text not null,
  primary key (institution_id, id)
);
create index decision_firm on decision (institution_id, firm_id, id);
create index decision_branch on decision (institution_id, branch_path, id);

create trigger decision_append_only before update or delete or truncate on decision for each statement execute function append_only();
