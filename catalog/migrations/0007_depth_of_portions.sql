-- How deep the portions before next_piece were read: a look that is asked for more begins anew.
alter table backup_set add column next_depth text;
