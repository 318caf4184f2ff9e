-- In an immutable pool: until when the objects of a set are protected because a set that builds on it was committed later. Null
-- where none was: then it is as long as the pool protects an object from the moment it was put.
alter table backup_set add column locked_until timestamptz;
