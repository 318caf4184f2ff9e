import { includeNames, leadsOutside, settingOf, valueOf } from './configuration-text.ts';
import { hasNoStop } from './offline-start.ts';
import type { RestorePlan } from '#core/restore/plan/plan.ts';
import { quietLibraries } from './preload-libraries.ts';
import type { RestoreTarget } from '#core/restore/target.ts';

/** Settings by name, as text that `formatSettings` quotes. */
export type Settings = Readonly<Record<string, string>>;

/** Each names a point to stop at: the server takes one of them at most. */
const stopNames: readonly string[] = [
  'recovery_target',
  'recovery_target_time',
  'recovery_target_lsn',
  'recovery_target_xid',
  'recovery_target_name',
];

/** What only a recovery sets: stale values of a former recovery are removed wherever they are found. */
export const recoveryNames: readonly string[] = [
  'restore_command',
  'archive_cleanup_command',
  'recovery_end_command',
  ...stopNames,
  'recovery_target_inclusive',
  'recovery_target_timeline',
  'recovery_target_action',
];

/**
 * Settings of the recovery itself (PG manual "Archive Recovery", "Recovery Target"). Log is prefilled, so nothing is
 * fetched; the stop and the timeline are explicit; hot standby is off, because only then `ready` means promoted
 * (engine.md §D); a delay that a standby had would hold up every commit of the last hours.
 */
export function recoverySettings(
  plan: Pick<RestorePlan, 'setting' | 'timeline' | 'isOpenedAfter' | 'offline'>,
): Settings {
  return {
    restore_command: 'false',
    archive_cleanup_command: '',
    recovery_end_command: '',
    recovery_target_timeline: String(plan.timeline),
    recovery_target_action: plan.isOpenedAfter ? 'promote' : 'shutdown',
    hot_standby: 'off',
    recovery_min_apply_delay: '0',
    lc_messages: 'C',
    log_timezone: 'UTC',
    log_destination: 'stderr',
    logging_collector: 'off',
    log_min_messages: 'warning',
    ...(hasNoStop(plan) ? {} : targetSettings(plan.setting)),
  };
}

/** Beside `recoveryNames` what a server before PostgreSQL 12 knows in `recovery.conf` only: elsewhere it would not start. */
const fileNames = new Set([
  ...recoveryNames,
  ...['standby_mode', 'primary_conninfo', 'primary_slot_name', 'trigger_file', 'recovery_min_apply_delay'],
]);

/** Settings of a restore for a server that takes them in two files. What says nothing is left out of `recovery.conf`. */
export interface SplitSettings {
  readonly configuration: Settings;
  readonly recoveryConf: Settings;
}

/** The same settings for a server before PostgreSQL 12 (PG 11 manual "Recovery Configuration"; KingbaseES V8R3). */
export function splitRecovery(settings: Settings): SplitSettings {
  const all = Object.entries(settings);
  return {
    configuration: Object.fromEntries(all.filter(([name]) => !fileNames.has(name))),
    recoveryConf: Object.fromEntries(all.filter(([name, value]) => fileNames.has(name) && value !== '')),
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

/** What would let an instance that was restored for a run touch production, with the value by which it cannot. */
export const quietSettings: Settings = {
  archive_mode: 'off',
  listen_addresses: '',
  max_logical_replication_workers: '0',
  primary_conninfo: '',
};

/**
 * Settings that keep a copy from touching production (design §7, engine.md §I): it archives nothing, listens nowhere but
 * on its private socket, follows nobody, waits for nobody and runs no jobs.
 */
export function copySettings(place: {
  readonly major: number;
  readonly port: number;
  readonly socket: string;
  readonly libraries: string;
  /** Of the engine: where a server up to 14 keeps counters while it runs. */
  readonly statistics: string;
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
    // Distributions set a place outside the data directory: a copy would empty it when it starts, and write there.
    ...(place.major <= 14 ? { stats_temp_directory: place.statistics } : {}),
    logging_collector: 'off',
    log_destination: 'stderr',
    ssl: 'off',
    bonjour: 'off',
    ...(place.major >= 17 ? { sync_replication_slots: 'off', summarize_wal: 'off' } : {}),
  };
}

/** Lines of a settings file. A quote is doubled and a backslash escaped (PG manual "Setting Parameters"). */
export const formatSettings = (settings: Settings): string =>
  Object.entries(settings)
    .map(([name, value]) => `${name} = '${value.replaceAll('\\', '\\\\').replaceAll("'", "''")}'\n`)
    .join('');

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

/** A configuration file below a data directory. */
export interface ConfigurationMember {
  /** Path below the data directory. */
  readonly member: string;
  readonly isCopy: boolean;
}

/**
 * Comments out stale recovery targets of a former recovery. In a copy also what would lead it back to the original:
 * paths, and includes of files outside of its own directory.
 */
export const untieConfiguration = (text: string, { member, isCopy }: ConfigurationMember): string =>
  text
    .split('\n')
    .map((line) => (isStale(line) || (isCopy && isTied(line, member)) ? `# Set aside by Holdfast: ${line}` : line))
    .join('\n');

const isStale = (line: string): boolean => recoveryNames.includes(settingOf(line) ?? '');

function isTied(line: string, member: string): boolean {
  const name = settingOf(line) ?? '';
  return tied.has(name) || (includeNames.includes(name) && leadsOutside(member, valueOf(line)));
}

/**
 * Empty values for stops that files we must not write give, to be put before our own: the last value of a name wins, and
 * an empty stop that is read first clears the one before it. Read after ours it would count as a second stop: FATAL.
 */
export const blankStops = (found: readonly string[], own: Settings): Settings =>
  Object.fromEntries(
    stopNames.filter((name) => found.includes(name) && own[name] === undefined).map((name) => [name, '']),
  );
