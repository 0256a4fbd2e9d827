-- Records that wait for the sealer, and the signed end of each chain.
create table audit_pending (
  institution_id text not null,
  id text not null,
  primary key (institution_id, id)
) strict, without rowid;

create table audit_head (
  institution_id text not null primary key,
  seq integer not null,
  hash text not null,
  sealed_at integer not null,
  signature text not null
) strict, without rowid;
