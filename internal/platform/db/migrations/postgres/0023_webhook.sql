-- Webhooks: who wants which events where, and each delivery with its log. Secrets are sealed.
create table webhook (
  institution_id text not null,
  id text not null,
  url text not null,
  description text not null,
  event_types text not null,
  secret_sealed text not null,
  old_secret_sealed text not null,
  old_secret_until bigint not null,
  state text not null,
  failures bigint not null,
  disabled_reason text not null,
  created_by text not null,
  created_at bigint not null,
  updated_at bigint not null,
  version bigint not null,
  primary key (institution_id, id)
);

create table webhook_delivery (
  institution_id text not null,
  id text not null,
  webhook_id text not null,
  event_id text not null,
  event_type text not null,
  state text not null,
  tries bigint not null,
  next_at bigint not null,
  lease text not null,
  lease_until bigint not null,
  response_code bigint not null,
  error text not null,
  attempts text not null,
  created_at bigint not null,
  finished_at bigint not null,
  primary key (institution_id, id)
);
create unique index webhook_delivery_event on webhook_delivery (institution_id, webhook_id, event_id);
create index webhook_delivery_due on webhook_delivery (institution_id, next_at) where state = 'pending';
