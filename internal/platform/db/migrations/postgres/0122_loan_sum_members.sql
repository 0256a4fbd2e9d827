-- Which loans a part of a sum is made of, so that an entry of the general ledger can be opened down to them: all between origin
-- and last_id but the skipped, or, when members is not empty, only those.
alter table loan_sum add column kind text not null default 'night';
alter table loan_sum add column members text not null default '';
alter table loan_sum add column skipped text not null default '';
-- Parts that are cut after the first cut hold only the loans that were left.
alter table eod_part add column sparse boolean not null default false;
