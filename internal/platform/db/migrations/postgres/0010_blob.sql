-- Files by content: what a stored file is, and which object it belongs to.
create table blob (
  institution_id text not null,
  hash text not null,
  size bigint not null,
  media_type text not null,
  created_at bigint not null,
  created_by text not null,
  primary key (institution_id, hash)
);

create table blob_link (
  institution_id text not null,
  hash text not null,
  object text not null,
  object_id text not null,
  name text not null,
  permission text not null,
  created_at bigint not null,
  created_by text not null,
  primary key (institution_id, hash, object, object_id)
);
create index blob_link_object on blob_link (institution_id, object, object_id);
