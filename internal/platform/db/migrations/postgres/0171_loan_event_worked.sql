-- Up to which date the loan had been worked when the event was recorded: whether a night knew of an event is told by the order in which
-- they changed the loan, not by clocks. Empty for events that were taken over or recorded before this column was.
alter table loan_event add column worked_to text not null default '';
