-- Consumers of the outbox, over all institutions. lease names the one process that runs a consumer.
create table event_consumer (
  name text not null primary key,
  position bigint not null,
  lease text not null,
  lease_until bigint not null,
  updated_at bigint not null
);

-- Which events a consumer has handled: written in the transaction of the effect.
create table event_effect (
  institution_id text not null,
  consumer text not null,
  event_id text not null,
  position bigint not null,
  primary key (institution_id, consumer, event_id)
);
create index event_effect_position on event_effect (institution_id, consumer, position);

-- Events that failed (waiting with tries > 0), that wait behind a failed one of their aggregate
-- (waiting with tries = 0), or that were given up (dead).
create table event_retry (
  institution_id text not null,
  id text not null,
  consumer text not null,
  event_id text not null,
  position bigint not null,
  aggregate text not null,
  aggregate_id text not null,
  state text not null,
  tries bigint not null,
  next_at bigint not null,
  error text not null,
  at bigint not null,
  primary key (institution_id, id)
);
create unique index event_retry_event on event_retry (institution_id, consumer, event_id);
create index event_retry_order on event_retry (institution_id, consumer, aggregate, aggregate_id, position);

create index event_unplaced on event (institution_id) where position is null;
