-- The currency of a file's new receipts; empty when they are in several, whose amounts are not added up.
alter table receipt_file add column currency text not null default 'CNY';
