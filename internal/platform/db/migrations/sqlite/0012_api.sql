-- Requests that were claimed, executed and answered, by the caller's key; kept for a day.
create table idempotency_key (
  institution_id text not null,
  actor text not null,
  key text not null,
  fingerprint text not null,
  claim text not null,
  state text not null check (state in ('claimed', 'executed', 'done')),
  status integer not null,
  content_type text not null,
  etag text not null,
  location text not null,
  body text not null,
  claimed_at integer not null,
  expires_at integer not null,
  primary key (institution_id, actor, key)
) strict, without rowid;
create index idempotency_key_expiry on idempotency_key (expires_at);
