-- Firms: whose evidence it is. Classified fields (owner's identity number, phone) are kept masked or encrypted.
create table firm (
  institution_id text not null,
  id text not null,
  code text not null,
  name text not null,
  uscc text not null,
  uscc_evidence text not null,
  customer_type text not null,
  industry text not null,
  region text not null,
  employees integer not null,
  revenue_minor integer not null,
  assets_minor integer not null,
  size_class text not null,
  size_source text not null,
  size_on text not null,
  owner_name text not null,
  owner_id_cipher text not null,
  phone_cipher text not null,
  address text not null,
  branch_id text not null,
  branch_path text not null,
  manager_id text not null,
  status text not null,
  demo integer not null,
  default_label text not null,
  label_on text not null,
  label_source text not null,
  created_at integer not null,
  updated_at integer not null,
  version integer not null,
  primary key (institution_id, id)
) strict;
create unique index firm_code on firm (institution_id, code);
create index firm_uscc on firm (institution_id, uscc);
create index firm_name on firm (institution_id, name);
create index firm_branch on firm (institution_id, branch_path, id);

create table firm_relation (
  institution_id text not null,
  id text not null,
  firm_id text not null,
  other_firm_id text not null,
  other_name text not null,
  kind text not null,
  share_bp integer not null,
  note text not null,
  created_at integer not null,
  created_by text not null,
  primary key (institution_id, id)
) strict;
create index firm_relation_firm on firm_relation (institution_id, firm_id);
create index firm_relation_other on firm_relation (institution_id, other_firm_id);
