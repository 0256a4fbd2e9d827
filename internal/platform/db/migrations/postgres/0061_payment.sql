-- Payment orders: recorded before they are tried, keyed by business forever.
create table payment_order (
  institution_id text not null,
  id text not null,
  business_key text not null,
  purpose text not null,
  object text not null,
  object_id text not null,
  from_account text not null,
  to_account text not null,
  to_name text not null,
  amount_minor bigint not null,
  currency text not null,
  memo text not null,
  value_date text not null,
  status text not null,
  attempts bigint not null,
  bank_reference text not null,
  reason text not null,
  next_try_at bigint not null,
  created_at bigint not null,
  updated_at bigint not null,
  primary key (institution_id, id)
);
create unique index payment_order_key on payment_order (institution_id, business_key);
create index payment_order_open on payment_order (institution_id, status, next_try_at);
create index payment_order_object on payment_order (institution_id, object, object_id, id);
