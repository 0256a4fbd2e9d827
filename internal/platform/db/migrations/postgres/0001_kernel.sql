-- Institutions (tenants) and what every transaction needs to know of them.
create table institution (
  institution_id text not null primary key,
  code text not null,
  name text not null,
  name_en text not null,
  currency text not null,
  timezone text not null,
  business_date text not null,
  demo boolean not null,
  created_at bigint not null,
  version bigint not null
);
create unique index institution_code on institution (code);

-- Audit: appended in the transaction of the change, chained by the sealer in order.
create table audit_record (
  institution_id text not null,
  id text not null,
  at bigint not null,
  actor text not null,
  action text not null,
  object text not null,
  object_id text not null,
  before_json text not null,
  after_json text not null,
  note text not null,
  primary key (institution_id, id)
);
create index audit_record_object on audit_record (institution_id, object, object_id, id);

create table audit_seal (
  institution_id text not null,
  seq bigint not null,
  id text not null,
  prev_hash text not null,
  hash text not null,
  primary key (institution_id, seq)
);
create unique index audit_seal_id on audit_seal (institution_id, id);


-- Outbox: written with the change; the relay gives each committed event its position afterwards, in
-- insertion order (rowid on SQLite, the ord column here): writers of one aggregate hold its lock.
create table event (
  institution_id text not null,
  id text not null,
  position bigint,
  at bigint not null,
  actor text not null,
  type text not null,
  aggregate text not null,
  aggregate_id text not null,
  payload text not null,
  ord bigint generated always as identity,
  primary key (institution_id, id)
);
create unique index event_position on event (position);
create index event_aggregate on event (institution_id, aggregate, aggregate_id, position);

create function append_only() returns trigger language plpgsql as $$ begin raise exception '% is append-only', tg_table_name; end $$;
create trigger audit_record_append_only before update or delete or truncate on audit_record for each statement execute function append_only();
create trigger audit_seal_append_only before update or delete or truncate on audit_seal for each statement execute function append_only();
