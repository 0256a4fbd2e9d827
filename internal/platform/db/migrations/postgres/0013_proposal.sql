-- Sensitive changes proposed by one person and decided by another.
create table proposal (
  institution_id text not null,
  id text not null,
  kind text not null,
  object text not null,
  object_id text not null,
  body text not null,
  body_hash text not null,
  base_version bigint not null,
  before_json text not null,
  after_json text not null,
  note text not null,
  state text not null check (state in ('pending', 'approved', 'rejected', 'cancelled', 'expired')),
  made_by text not null,
  made_at bigint not null,
  expires_at bigint not null,
  decided_by text not null,
  decided_at bigint not null,
  decision_note text not null,
  version bigint not null,
  primary key (institution_id, id)
);
create index proposal_object on proposal (institution_id, object, object_id, state);
create index proposal_state on proposal (institution_id, state, id);
