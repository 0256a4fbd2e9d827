-- A hold bears a seal over its content, as balances do. Holds of before get theirs when the server starts: the form of the stored balances
-- (journal_head.projection) goes up by one.
alter table ledger_hold add column seal text not null default '';
