-- Which account plays which role in a posting: versions by date, for the institution and for single products.
create table ledger_recipe (
  institution_id text not null,
  product_id text not null,
  version integer not null,
  effective_from text not null,
  mapping text not null,
  approved_by text not null,
  created_at integer not null,
  primary key (institution_id, product_id, version)
) strict, without rowid;
create trigger ledger_recipe_no_update before update on ledger_recipe begin select raise(abort, 'ledger_recipe is append-only'); end;
create trigger ledger_recipe_no_delete before delete on ledger_recipe begin select raise(abort, 'ledger_recipe is append-only'); end;
