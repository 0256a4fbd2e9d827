-- Webhooks: who wants which events where, and each delivery with its log. Secrets are sealed.
create table webhook (
  institution_id text not null,
  id text not null,
  url text not null,
  description text not null,
  event_types text not null,
  secret_sealed text not null,
  old_secret_sealed text not null,
  old_secret_until integer not null,
  state text not null,
  failures integer not null,
  disabled_reason text not null,
  created_by text not null,
  created_at integer not null,
  updated_at integer not null,
  version integer not null,
  primary key (institution_id, id)
) strict, without rowid;

create table webhook_delivery (
  institution_id text not null,
  id text not null,
  webhook_id text not null,
  event_id text not null,
  event_type text not null,
  state text not null,
  tries integer not null,
  next_at integer not null,
  lease text not null,
  lease_until integer not null,
  response_code integer not null,
  error text not null,
  attempts text not null,
  created_at integer not null,
  finished_at integer not null,
  primary key (institution_id, id)
) strict, without rowid;
create unique index webhook_delivery_event on webhook_delivery (institution_id, webhook_id, event_id);
create index webhook_delivery_due on webhook_delivery (institution_id, next_at) where state = 'pending';
