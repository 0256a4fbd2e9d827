-- The promise: how much a firm may owe under one contract, and how much of it is in use.
create table facility (
  institution_id text not null,
  id text not null,
  firm_id text not null,
  application_id text not null,
  contract_id text not null,
  product_id text not null,
  product_version integer not null,
  branch_id text not null,
  branch_path text not null,
  currency text not null,
  limit_minor integer not null,
  utilised_minor integer not null,
  annual_rate integer not null,
  revolving integer not null,
  status text not null,
  status_reason_zh text not null,
  status_reason_en text not null,
  starts_on text not null,
  expires_on text not null,
  created_at integer not null,
  updated_at integer not null,
  version integer not null,
  primary key (institution_id, id)
) strict, without rowid;
create unique index facility_contract on facility (institution_id, contract_id);
create index facility_firm on facility (institution_id, firm_id, id);
create index facility_branch on facility (institution_id, branch_path, id);

-- Every change of a facility, keyed by the business act that caused it, so that a repeat is a no-op
-- and the stored balance can be recomputed.
create table facility_movement (
  institution_id text not null,
  facility_id text not null,
  kind text not null,
  movement_key text not null,
  amount_minor integer not null,
  limit_after_minor integer not null,
  utilised_after_minor integer not null,
  reason_zh text not null,
  reason_en text not null,
  at integer not null,
  actor text not null,
  id text not null,
  primary key (institution_id, facility_id, kind, movement_key)
) strict, without rowid;
create index facility_movement_order on facility_movement (institution_id, facility_id, id);
