-- PostgreSQL leaves room in the pages of balances here; SQLite updates in place by itself.
select 1;
