import { readFileSync } from 'node:fs';
import { fail } from '#core/errors/fail.ts';
import type { RestorePlan } from '#core/restore/plan.ts';
import type { Settings } from '#core/restore/recovery-settings.ts';
import {
  copySettings,
  lastValue,
  recoveryNames,
  recoverySettings,
  replaceSettings,
  untieConfiguration,
} from '#core/restore/recovery-settings.ts';
import type { EmptyTarget } from '#agent/datadir/writer.ts';

const mainFile = 'postgresql.conf';
const autoFile = 'postgresql.auto.conf';
/**
 * Settings that hold only while a database is recovered in place: nobody connects, and nothing of the new branch reaches
 * the archive before the recovery is proven. The server keeps what it would archive; it goes after the next start.
 */
const closedDoor = (major: number, socket: string): Settings => ({
  listen_addresses: '',
  unix_socket_directories: socket,
  archive_command: '',
  ...(major >= 15 ? { archive_library: '' } : {}),
});

/** Where a server is reached after the restore. */
export interface ServerAddress {
  readonly port: number;
  readonly socket: string;
}

/** Settings that only the recovery needs; they leave with it. */
const temporary = ['hot_standby', 'lc_messages', 'log_timezone', 'log_min_messages'];

/**
 * Writes configuration for the recovery: the chosen or the set's own main file without stale targets, and in
 * postgresql.auto.conf, which wins over every other file, the recovery and, for a copy, what keeps it away from
 * production. Throws `config_file_bad`.
 */
export function configure(
  plan: RestorePlan,
  target: EmptyTarget,
  place: ServerAddress & { readonly hasOutsideConfiguration: boolean },
): void {
  const isCopy = plan.place.kind === 'copy';
  if (plan.configFile !== undefined) {
    keepOriginal(target);
    target.writeFile(mainFile, readConfigFile(plan.configFile));
  }
  const main = readMember(target, mainFile);
  if (!place.hasOutsideConfiguration) target.writeFile(mainFile, untieConfiguration(main ?? '', isCopy));
  const auto = readMember(target, autoFile) ?? '';
  const libraries =
    lastValue(auto, 'shared_preload_libraries') ?? lastValue(main ?? '', 'shared_preload_libraries') ?? '';
  const own = isCopy
    ? copySettings({ major: plan.serverMajor, port: place.port, socket: place.socket, libraries })
    : closedDoor(plan.serverMajor, place.socket);
  const settings = { ...own, ...recoverySettings(plan) };
  target.writeFile(autoFile, replaceSettings(auto, recoveryNames, settings));
  target.writeFile('recovery.signal', '');
}

/** After a copy was recovered: recovery settings leave, those that keep it apart stay for every later start. */
export function settleCopy(plan: RestorePlan, target: EmptyTarget, address: ServerAddress): void {
  const auto = readMember(target, autoFile) ?? '';
  const libraries = lastValue(auto, 'shared_preload_libraries') ?? '';
  const kept = copySettings({ major: plan.serverMajor, ...address, libraries });
  const recovery = plan.isOpenedAfter ? {} : { ...recoverySettings({ ...plan, isOpenedAfter: true }) };
  target.writeFile(autoFile, replaceSettings(auto, [...recoveryNames, ...temporary], { ...kept, ...recovery }));
}

/**
 * In place, the settings of the instance come back as the set holds them, without former recoveries. A database that is
 * left closed keeps its target, to be opened there by the next start.
 */
export function settleInPlace(plan: RestorePlan, target: EmptyTarget, original: string): void {
  target.writeFile(autoFile, replaceSettings(original, recoveryNames, plan.isOpenedAfter ? {} : closedSettings(plan)));
}

/** What a database that is left closed in place needs to open at its target, and nothing else: it is production. */
export function closedSettings(plan: RestorePlan): Settings {
  const all = Object.entries(recoverySettings({ ...plan, isOpenedAfter: true }));
  return Object.fromEntries(all.filter(([name]) => name === 'restore_command' || name.startsWith('recovery_target')));
}

/** Text of a member that is already in the target; undefined when it is not. */
export function readMember(target: EmptyTarget, member: string): string | undefined {
  try {
    return readFileSync(target.pathOf(member), 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}

function keepOriginal(target: EmptyTarget): void {
  const text = readMember(target, mainFile);
  if (text !== undefined) target.writeFile(`${mainFile}.from-set`, text);
}

function readConfigFile(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw fail('config_file_bad', { path, reason: error instanceof Error ? error.message : String(error) }, error);
  }
}
