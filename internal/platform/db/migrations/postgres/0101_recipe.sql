-- Which account plays which role in a posting: versions by date, for the institution and for single products.
create table ledger_recipe (
  institution_id text not null,
  product_id text not null,
  version bigint not null,
  effective_from text not null,
  mapping text not null,
  approved_by text not null,
  created_at bigint not null,
  primary key (institution_id, product_id, version)
);
create trigger ledger_recipe_append_only before update or delete or truncate on ledger_recipe for each statement execute function append_only();
