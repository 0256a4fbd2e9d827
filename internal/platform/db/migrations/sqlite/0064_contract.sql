-- Contracts: what was agreed, its digest, and the document that was signed.
create table contract (
  institution_id text not null,
  id text not null,
  number text not null,
  application_id text not null,
  facility_id text not null,
  firm_id text not null,
  product_id text not null,
  branch_id text not null,
  branch_path text not null,
  status text not null,
  terms_json text not null,
  terms_hash text not null,
  pdf_hash text not null,
  pdf_size integer not null,
  signed_on text not null,
  created_at integer not null,
  actor text not null,
  primary key (institution_id, id)
) strict, without rowid;
create unique index contract_application on contract (institution_id, application_id);
create unique index contract_number on contract (institution_id, number);
create index contract_firm on contract (institution_id, firm_id, id);
create index contract_branch on contract (institution_id, branch_path, id);
create index contract_hash on contract (institution_id, pdf_hash);
create trigger contract_no_update before update on contract begin select raise(abort, 'contract is append-only'); end;
create trigger contract_no_delete before delete on contract begin select raise(abort, 'contract is append-only'); end;
