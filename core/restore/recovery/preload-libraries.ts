/** Libraries that run jobs or replicate by themselves: a copy must not load them. */
const busyLibraries = new Set([
  'timescaledb',
  'timescaledb-loader',
  'citus',
  'pg_net',
  'pg_background',
  'pg_task',
  'pg_cron',
  'pg_timetable',
  'pg_partman_bgw',
  'pgagent',
  'pg_dbms_job',
  'dbms_job',
  'powa',
  'pg_auto_failover',
  'pgautofailover',
  'pglogical',
  'spock',
  'bdr',
  'repmgr',
  'pg_squeeze',
]);

/** Libraries that watch, check or warm, and touch nothing but their own instance. */
const passiveLibraries = new Set([
  'auth_delay',
  'auto_explain',
  'basebackup_to_shell',
  'basic_archive',
  'credcheck',
  'passwordcheck',
  'pg_hint_plan',
  'pg_overexplain',
  'pg_plan_advsr',
  'pg_prewarm',
  'pg_qualstats',
  'pg_show_plans',
  'pg_stat_kcache',
  'pg_stat_monitor',
  'pg_stat_statements',
  'pg_store_plans',
  'pg_track_settings',
  'pg_wait_sampling',
  'pgaudit',
  'plpgsql',
  'plprofiler',
  'sepgsql',
  'set_user',
  'system_stats',
]);

/** Names of a list as the server reads it: quotes, folders and the ending `.so` do not count. */
const entriesOf = (list: string): readonly { readonly text: string; readonly name: string }[] =>
  list
    .split(',')
    .map((text) => text.trim().replace(/^"(.*)"$/, '$1'))
    .filter((text) => text !== '')
    .map((text) => ({ text, name: text.replace(/^.*\//, '').replace(/\.so$/, '') }));

/** A list of libraries without those that act on their own. */
export const quietLibraries = (list: string): string =>
  entriesOf(list)
    .filter(({ name }) => !busyLibraries.has(name))
    .map(({ text }) => text)
    .join(', ');

/** Libraries of a list that stay loaded in a copy although nobody knows whether they act on their own. */
export const unknownLibraries = (list: string): readonly string[] =>
  entriesOf(list)
    .map(({ name }) => name)
    .filter((name) => !busyLibraries.has(name) && !passiveLibraries.has(name));
