-- Applications: one row per wish to borrow, its present state and what was decided and offered.
create table application (
  institution_id text not null,
  id text not null,
  firm_id text not null,
  firm_name text not null,
  product_id text not null,
  product_version bigint not null,
  branch_id text not null,
  branch_path text not null,
  manager_id text not null,
  state text not null,
  amount_minor bigint not null,
  currency text not null,
  tenor_months bigint not null,
  method text not null,
  purpose text not null,
  purpose_note text not null,
  other_debt_minor bigint not null,
  decision_id text not null,
  approved_minor bigint not null,
  annual_rate bigint not null,
  reasons_json text not null,
  offer_json text not null,
  expires_on text not null,
  contract_id text not null,
  loan_id text not null,
  created_by text not null,
  submitted_by text not null,
  created_at bigint not null,
  updated_at bigint not null,
  version bigint not null,
  primary key (institution_id, id)
);
create index application_firm on application (institution_id, firm_id, id);
create index application_state on application (institution_id, state, id);
create index application_branch on application (institution_id, branch_path, id);

-- Every transition with who, when and why: append-only.
create table application_step (
  institution_id text not null,
  application_id text not null,
  id text not null,
  action text not null,
  from_state text not null,
  to_state text not null,
  actor text not null,
  at bigint not null,
  note text not null,
  data_json text not null,
  primary key (institution_id, application_id, id)
);

-- Cases waiting for an authorised person.
create table approval_case (
  institution_id text not null,
  id text not null,
  application_id text not null,
  decision_id text not null,
  firm_id text not null,
  firm_name text not null,
  product_id text not null,
  branch_path text not null,
  amount_minor bigint not null,
  limit_minor bigint not null,
  currency text not null,
  annual_rate bigint not null,
  grade text not null,
  roles text not null,
  submitter_id text not null,
  creator_id text not null,
  state text not null,
  opened_at bigint not null,
  due_on text not null,
  decided_by text not null,
  decided_at bigint not null,
  approved_minor bigint not null,
  approved_rate bigint not null,
  note text not null,
  version bigint not null,
  primary key (institution_id, id)
);
create unique index approval_case_decision on approval_case (institution_id, decision_id);
create index approval_case_state on approval_case (institution_id, state, id);

create trigger application_step_append_only before update or delete or truncate on application_step for each statement execute function append_only();
