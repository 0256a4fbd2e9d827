-- Consent: who may read what about whom, for which purpose, until when; and every read made under it.
create table consent (
  institution_id text not null,
  id text not null,
  firm_id text not null,
  purpose text not null,
  kinds text not null,
  recipient text not null,
  starts_on text not null,
  ends_on text not null,
  evidence_hash text not null,
  granted_by text not null,
  granted_at bigint not null,
  withdrawn_at bigint not null,
  withdrawn_by text not null,
  withdraw_reason text not null,
  primary key (institution_id, id)
);
create index consent_firm on consent (institution_id, firm_id, id);

create table consent_read (
  institution_id text not null,
  id text not null,
  consent_id text not null,
  firm_id text not null,
  kind text not null,
  purpose text not null,
  actor text not null,
  at bigint not null,
  primary key (institution_id, id)
);
create index consent_read_firm on consent_read (institution_id, firm_id, id);
