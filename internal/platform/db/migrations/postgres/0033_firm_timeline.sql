-- What happened to a firm, over every domain: a projection of the outbox that a replay rebuilds.
create table firm_timeline (
  institution_id text not null,
  firm_id text not null,
  position bigint not null,
  event_id text not null,
  at bigint not null,
  actor text not null,
  type text not null,
  object text not null,
  object_id text not null,
  data text not null,
  primary key (institution_id, firm_id, position)
);
