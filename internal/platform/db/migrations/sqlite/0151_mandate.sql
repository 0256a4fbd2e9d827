-- Standing authorities of customers to debit their accounts, and what became of every debit. Loans that were drawn before
-- there were mandates get one that says what was done until now, marked as implied: their payee's account.
create table mandate (
  institution_id text not null,
  id text not null,
  reference text not null,
  scope text not null,
  scope_id text not null,
  firm_id text not null,
  branch_path text not null,
  currency text not null,
  debtor_account text not null,
  debtor_name text not null,
  max_minor integer not null,
  valid_from text not null,
  valid_to text not null,
  signed_on text not null,
  document text not null,
  implied integer not null,
  state text not null,
  cause text not null,
  reason text not null,
  stopped_at integer not null,
  created_at integer not null,
  created_by text not null,
  updated_at integer not null,
  updated_by text not null,
  version integer not null,
  primary key (institution_id, id)
) strict, without rowid;
create unique index mandate_reference on mandate (institution_id, reference);
create unique index mandate_scope on mandate (institution_id, scope, scope_id, currency) where state <> 'revoked';
create index mandate_of on mandate (institution_id, scope_id, id);
create index mandate_firm on mandate (institution_id, firm_id, id);

insert into mandate (institution_id, id, reference, scope, scope_id, firm_id, branch_path, currency, debtor_account, debtor_name, max_minor, valid_from, valid_to, signed_on, document,
  implied, state, cause, reason, stopped_at, created_at, created_by, updated_at, updated_by, version)
select l.institution_id, replace(l.id, 'loan_', 'mdt_'), 'IM-' || l.id, 'loan', l.id, l.firm_id, l.branch_path, l.currency,
  coalesce(nullif(json_extract(l.facts_json, '$.repay_account'), ''), l.payee_account), l.payee_name, 0, substr(coalesce(nullif(l.disbursed_on, ''), d.processed_to), 1, 10), '', '', '',
  true, 'signed', '', '', 0, l.created_at, 'system:migration', l.created_at, 'system:migration', 1
from loan l join loan_day d on d.institution_id = l.institution_id and d.loan_id = l.id
where d.status in ('pending_disbursement', 'active', 'overdue');

create table collection_attempt (
  institution_id text not null,
  loan_id text not null,
  on_date text not null,
  no integer not null,
  mandate_id text not null,
  amount_minor integer not null,
  due_minor integer not null,
  currency text not null,
  branch_path text not null,
  order_id text not null,
  code text not null,
  reason_zh text not null,
  reason_en text not null,
  at integer not null,
  actor text not null,
  primary key (institution_id, loan_id, on_date, no)
) strict, without rowid;
create index collection_attempt_day on collection_attempt (institution_id, on_date, loan_id, no);
create index collection_attempt_order on collection_attempt (institution_id, order_id);

create table collection_policy (
  institution_id text not null,
  version integer not null,
  body text not null,
  created_by text not null,
  created_at integer not null,
  primary key (institution_id, version)
) strict, without rowid;
create trigger collection_policy_no_update before update on collection_policy begin select raise(abort, 'collection_policy is append-only'); end;
create trigger collection_policy_no_delete before delete on collection_policy begin select raise(abort, 'collection_policy is append-only'); end;

alter table eod_run add column uncollected integer not null default 0;
alter table payment_order add column from_name text not null default '';
alter table payment_order add column mandate_id text not null default '';
alter table payment_order add column mandate_reference text not null default '';
alter table payment_order add column mandate_signed_on text not null default '';
create index payment_order_mandate on payment_order (institution_id, mandate_id, id);
