-- What a drill did not prove, by the names of its checks; a policy says what it does without, and may do so without an age.
alter table drill add column unproven text[];
update drill set unproven = array(
    select name from unnest(array['pages', 'structure', 'canary']) as counted (name)
    where not exists (
      select 1 from jsonb_array_elements(report_text::jsonb -> 'checks') c
      where c ->> 'name' = counted.name and c ->> 'verdict' = 'passed')
    union
    select c ->> 'name' from jsonb_array_elements(report_text::jsonb -> 'checks') c where c ->> 'verdict' = 'skipped')
  where report_text is not null;
alter table drill_policy alter column max_age_hours drop not null;
alter table drill_policy add column accepted text[] not null default '{}';
