-- Balances are updated in place all day: room left in their pages keeps an update from touching the index.
alter table ledger_balance set (fillfactor = 70);
alter table ledger_turnover set (fillfactor = 50);
alter table journal_head set (fillfactor = 10);
