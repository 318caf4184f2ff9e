-- A run that was tried again is another run of the same job at the same revision, and says of which it is.
alter table run drop constraint run_trigger_check;
alter table run add constraint run_trigger_check check (trigger in ('manual', 'schedule', 'retry'));
alter table run add column retry_of text references run;
