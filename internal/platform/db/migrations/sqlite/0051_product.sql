-- An institution's own versions of product recipes: proposed by one person, approved by another.
create table product_version (
  institution_id text not null,
  product_id text not null,
  version integer not null,
  state text not null,
  hash text not null,
  recipe text not null,
  proposed_by text not null,
  proposed_at integer not null,
  decided_by text not null,
  decided_at integer not null,
  note text not null,
  primary key (institution_id, product_id, version)
) strict;

-- The text of every recipe a decision was made with, by hash, so that a decision can be replayed
-- after the recipe has changed or the program was upgraded.
create table product_archive (
  institution_id text not null,
  hash text not null,
  product_id text not null,
  version integer not null,
  recipe text not null,
  archived_at integer not null,
  primary key (institution_id, hash)
) strict;
