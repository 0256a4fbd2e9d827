-- Institutions (tenants) and what every transaction needs to know of them.
create table institution (
  institution_id text not null primary key,
  code text not null,
  name text not null,
  name_en text not null,
  currency text not null,
  timezone text not null,
  business_date text not null,
  demo integer not null,
  created_at integer not null,
  version integer not null
) strict;
create unique index institution_code on institution (code);

-- Audit: appended in the transaction of the change, chained by the sealer in order.
create table audit_record (
  institution_id text not null,
  id text not null,
  at integer not null,
  actor text not null,
  action text not null,
  object text not null,
  object_id text not null,
  before_json text not null,
  after_json text not null,
  note text not null,
  primary key (institution_id, id)
) strict, without rowid;
create index audit_record_object on audit_record (institution_id, object, object_id, id);

create table audit_seal (
  institution_id text not null,
  seq integer not null,
  id text not null,
  prev_hash text not null,
  hash text not null,
  primary key (institution_id, seq)
) strict, without rowid;
create unique index audit_seal_id on audit_seal (institution_id, id);

create trigger audit_record_no_update before update on audit_record begin select raise(abort, 'audit records are append-only'); end;
create trigger audit_record_no_delete before delete on audit_record begin select raise(abort, 'audit records are append-only'); end;
create trigger audit_seal_no_update before update on audit_seal begin select raise(abort, 'audit seals are append-only'); end;
create trigger audit_seal_no_delete before delete on audit_seal begin select raise(abort, 'audit seals are append-only'); end;

-- Outbox: written with the change; the relay gives each committed event its position afterwards, in
-- insertion order (rowid here, the ord column on PostgreSQL): writers of one aggregate hold its lock.
create table event (
  institution_id text not null,
  id text not null,
  position integer,
  at integer not null,
  actor text not null,
  type text not null,
  aggregate text not null,
  aggregate_id text not null,
  payload text not null,
  primary key (institution_id, id)
) strict;
create unique index event_position on event (position);
create index event_aggregate on event (institution_id, aggregate, aggregate_id, position);
