-- An order is asked for over the channel it was sent over: the other one does not know its key, and sending it there
-- would pay twice.
alter table payment_order add column protocol text not null default '';
update payment_order set protocol = 'http' where attempts > 0;
