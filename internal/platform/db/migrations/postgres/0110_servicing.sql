-- Servicing: what only some kinds of event carry, and what a loan is besides its terms (origin, predecessor,
-- entrusted payment, account of collection). Both are JSON; empty stands for what was there before.
alter table loan_event add column detail_json text not null default '';
alter table loan add column facts_json text not null default '{}';
