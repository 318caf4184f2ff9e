import type { RestorePlan } from './plan.ts';
import type { RestoreTarget } from './target.ts';

/** Settings by name, as text that `formatSettings` quotes. */
export type Settings = Readonly<Record<string, string>>;

/** What only a recovery sets: stale values of a former recovery are removed wherever they are found. */
export const recoveryNames: readonly string[] = [
  'restore_command',
  'archive_cleanup_command',
  'recovery_end_command',
  'recovery_target',
  'recovery_target_time',
  'recovery_target_lsn',
  'recovery_target_xid',
  'recovery_target_name',
  'recovery_target_inclusive',
  'recovery_target_timeline',
  'recovery_target_action',
];

/**
 * Settings of the recovery itself (PG manual "Archive Recovery", "Recovery Target"). Log is prefilled, so nothing is
 * fetched; the stop and the timeline are explicit; hot standby is off, because only then `ready` means promoted
 * (engine.md §D).
 */
export function recoverySettings(plan: Pick<RestorePlan, 'setting' | 'timeline' | 'isOpenedAfter'>): Settings {
  return {
    restore_command: 'false',
    archive_cleanup_command: '',
    recovery_end_command: '',
    recovery_target_timeline: String(plan.timeline),
    recovery_target_action: plan.isOpenedAfter ? 'promote' : 'shutdown',
    hot_standby: 'off',
    lc_messages: 'C',
    log_timezone: 'UTC',
    log_destination: 'stderr',
    logging_collector: 'off',
    log_min_messages: 'warning',
    ...targetSettings(plan.setting),
  };
}

function targetSettings(target: RestoreTarget): Settings {
  const inclusive = (is: boolean): Settings => ({ recovery_target_inclusive: is ? 'on' : 'off' });
  switch (target.at) {
    case 'time':
      return { recovery_target_time: serverTime(target.time), ...inclusive(target.isInclusive) };
    case 'lsn':
      return { recovery_target_lsn: target.lsn, ...inclusive(target.isInclusive) };
    case 'xid':
      return { recovery_target_xid: target.xid, ...inclusive(target.isInclusive) };
    case 'name':
      return { recovery_target_name: target.name };
    case 'immediate':
      return { recovery_target: 'immediate' };
    case 'latest':
      // A plan tells `latest` as an LSN; without a stop the server would open at whatever log there is (engine.md §I).
      return { recovery_target: 'immediate' };
  }
}

/** The server takes `Z` for an unknown abbreviation (engine.md §D). */
const serverTime = (instant: string): string => instant.replace('T', ' ').replace('Z', '+00');

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

/**
 * Settings that keep a copy from touching production (design §7, engine.md §I): it archives nothing, listens nowhere but
 * on its private socket, follows nobody, waits for nobody and runs no jobs.
 */
export function copySettings(place: {
  readonly major: number;
  readonly port: number;
  readonly socket: string;
  readonly libraries: string;
}): Settings {
  return {
    listen_addresses: '',
    port: String(place.port),
    unix_socket_directories: place.socket,
    archive_mode: 'off',
    archive_command: '',
    ...(place.major >= 15 ? { archive_library: '' } : {}),
    primary_conninfo: '',
    primary_slot_name: '',
    synchronous_standby_names: '',
    max_logical_replication_workers: '0',
    shared_preload_libraries: quietLibraries(place.libraries),
    external_pid_file: '',
    logging_collector: 'off',
    log_destination: 'stderr',
    ssl: 'off',
    bonjour: 'off',
    ...(place.major >= 17 ? { sync_replication_slots: 'off', summarize_wal: 'off' } : {}),
  };
}

/** A list of libraries without those that act on their own. */
export const quietLibraries = (list: string): string =>
  list
    .split(',')
    .map((name) => name.trim().replace(/^"(.*)"$/, '$1'))
    .filter((name) => name !== '' && !busyLibraries.has(name.replace(/^.*\//, '').replace(/\.so$/, '')))
    .join(', ');

/** Lines of a settings file. A quote is doubled and a backslash escaped (PG manual "Setting Parameters"). */
export const formatSettings = (settings: Settings): string =>
  Object.entries(settings)
    .map(([name, value]) => `${name} = '${value.replaceAll('\\', '\\\\').replaceAll("'", "''")}'\n`)
    .join('');

const assignment = /^\s*([A-Za-z_][\w.]*)\s*=?\s*(.*)$/;

/** Name of the setting that a line of a settings file gives a value, in lower case; undefined for comments and blanks. */
export const settingOf = (line: string): string | undefined =>
  line.trimStart().startsWith('#') ? undefined : assignment.exec(line)?.[1]?.toLowerCase();

/** Last value that a settings file gives a name, unquoted; undefined when it gives none. */
export function lastValue(text: string, name: string): string | undefined {
  const line = text
    .split('\n')
    .filter((one) => settingOf(one) === name)
    .slice(-1)[0];
  const value = line === undefined ? undefined : assignment.exec(line)?.[2];
  if (value === undefined) return undefined;
  const quoted = /^'((?:[^'\\]|''|\\.)*)'/.exec(value.trim())?.[1];
  return quoted === undefined ? value.replace(/#.*$/, '').trim() : quoted.replaceAll("''", "'").replace(/\\(.)/g, '$1');
}

/** The text of postgresql.auto.conf without some settings, then with others. */
export function replaceSettings(text: string, dropped: readonly string[], added: Settings): string {
  const gone = new Set([...dropped, ...Object.keys(added)]);
  const kept = text
    .split('\n')
    .filter((line) => line.trim() !== '' && line !== begin && !gone.has(settingOf(line) ?? ''));
  const body = kept.map((line) => `${line}\n`).join('');
  return Object.keys(added).length === 0 ? body : `${body}${begin}\n${formatSettings(added)}`;
}
const begin = '# Written by Holdfast for a restore';

/** What ties a configuration file to the place of the original: in a copy it would mean production. */
const tied = new Set(['data_directory', 'hba_file', 'ident_file', 'external_pid_file', 'config_file']);
const includes = new Set(['include', 'include_dir', 'include_if_exists']);

/**
 * Comments out stale recovery targets: they cannot be overridden, the server counts an empty one as a second target.
 * With `isCopy` also what would lead a copy back to the original: paths, and includes by absolute path.
 */
export const untieConfiguration = (text: string, isCopy: boolean): string =>
  text
    .split('\n')
    .map((line) => (isStale(line) || (isCopy && isTied(line)) ? `# Set aside by Holdfast: ${line}` : line))
    .join('\n');

const isStale = (line: string): boolean => recoveryNames.includes(settingOf(line) ?? '');

function isTied(line: string): boolean {
  const name = settingOf(line) ?? '';
  return tied.has(name) || (includes.has(name) && /^\s*\w+\s*=?\s*'?\//.test(line));
}
