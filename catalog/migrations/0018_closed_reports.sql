-- The place of a drill target is given back: no report of that drill is stored any more.
alter table drill add column closed_at timestamptz;
