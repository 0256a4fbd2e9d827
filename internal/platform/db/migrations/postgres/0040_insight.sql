-- Profile snapshots: what a firm looked like on a date, append-only; a new row only when the evidence behind it changed.
create table profile_snapshot (
  institution_id text not null,
  id text not null,
  firm_id text not null,
  as_of text not null,
  feature_version text not null,
  input_hash text not null,
  invoices bigint not null,
  months bigint not null,
  vector text not null,
  series text not null,
  created_at bigint not null,
  created_by text not null,
  primary key (institution_id, id)
);
create index profile_snapshot_firm on profile_snapshot (institution_id, firm_id, as_of, created_at);

-- Which firms trade with which counterparties: the index behind the shared-counterparty features.
create table profile_counterparty (
  institution_id text not null,
  counterparty text not null,
  firm_id text not null,
  primary key (institution_id, counterparty, firm_id)
);
create index profile_counterparty_firm on profile_counterparty (institution_id, firm_id);

-- Models: draft -> validated -> approved -> active -> retired.
create table model (
  institution_id text not null,
  id text not null,
  name text not null,
  state text not null,
  as_of text not null,
  feature_version text not null,
  sample_json text not null,
  options_json text not null,
  artifact_json text not null,
  artifact_hash text not null,
  validation_json text not null,
  trained_at bigint not null,
  trained_by text not null,
  validated_at bigint not null,
  approved_at bigint not null,
  approved_by text not null,
  approval_note text not null,
  activated_at bigint not null,
  retired_at bigint not null,
  version bigint not null,
  primary key (institution_id, id)
);
create unique index model_active on model (institution_id) where state = 'active';
create index model_trained on model (institution_id, trained_at, id);

-- Which firms a model learnt from, with the label and the snapshot of that moment.
create table model_sample (
  institution_id text not null,
  model_id text not null,
  firm_id text not null,
  label text not null,
  snapshot_id text not null,
  primary key (institution_id, model_id, firm_id)
);

-- Scores: append-only; one per model and snapshot, with everything needed to compute it again.
create table score (
  institution_id text not null,
  id text not null,
  firm_id text not null,
  model_id text not null,
  model_hash text not null,
  snapshot_id text not null,
  as_of text not null,
  pd double precision not null,
  points bigint not null,
  grade text not null,
  thin_file boolean not null,
  result_json text not null,
  created_at bigint not null,
  created_by text not null,
  primary key (institution_id, id)
);
create unique index score_once on score (institution_id, model_id, snapshot_id);
create index score_firm on score (institution_id, firm_id, created_at, id);
create index score_model on score (institution_id, model_id, created_at);

create trigger profile_snapshot_append_only before update or delete or truncate on profile_snapshot for each statement execute function append_only();
create trigger model_sample_append_only before update or delete or truncate on model_sample for each statement execute function append_only();
create trigger score_append_only before update or delete or truncate on score for each statement execute function append_only();
