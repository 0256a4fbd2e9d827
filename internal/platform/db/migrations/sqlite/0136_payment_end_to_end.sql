-- The number of an order in ISO 20022 messages, by which a bank's file is recognised: a digest of the business key. Orders
-- of before were never sent with one.
alter table payment_order add column end_to_end_id text not null default '';
create index payment_order_end_to_end on payment_order (institution_id, end_to_end_id);
