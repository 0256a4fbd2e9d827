-- Runs of the book optimiser: what was asked, what came out, who ran it.
create table optimise_run (
  institution_id text not null,
  id text not null,
  branch_path text not null,
  request_json text not null,
  result_json text not null,
  firms bigint not null,
  budget_minor bigint not null,
  amount_minor bigint not null,
  profit_minor bigint not null,
  created_at bigint not null,
  created_by text not null,
  primary key (institution_id, id)
);
