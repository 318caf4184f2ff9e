import { readFileSync, statSync } from 'node:fs';
import { relative } from 'node:path';
import { engineProfile } from '#core/engine/profiles.ts';
import { assignmentsIn, lastValue } from '#core/restore/recovery/configuration-text.ts';
import { startsPlainly } from '#core/restore/recovery/offline-start.ts';
import type { RestorePlan } from '#core/restore/plan/plan.ts';
import { unknownLibraries } from '#core/restore/recovery/preload-libraries.ts';
import type { Settings } from '#core/restore/recovery/recovery-settings.ts';
import {
  blankStops,
  copySettings,
  recoveryNames,
  recoverySettings,
  formatSettings,
  replaceSettings,
  splitRecovery,
  untieConfiguration,
} from '#core/restore/recovery/recovery-settings.ts';
import type { Warning } from '#core/run/progress.ts';
import { scratchAccess, scratchSettings } from '#core/restore/scratch-place.ts';
import { standbySettings } from '#core/restore/recovery/standby-settings.ts';
import type { EmptyTarget } from '#agent/datadir/writer.ts';
import type { SettingRead } from './effective-configuration.ts';
import { readConfiguration, readSettingsFile } from './effective-configuration.ts';
import { readAsOwner } from '#agent/restore/place/read-as-owner.ts';

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

const addressOf = ({ port, socket }: ServerAddress): ServerAddress => ({ port, socket });

/** Settings that only the recovery needs; they leave with it. */
const temporary = ['hot_standby', 'recovery_min_apply_delay', 'lc_messages', 'log_timezone', 'log_min_messages'];

/** What came of the configuration that was found. */
export interface Configured {
  /** Stops of files that a restore must not write, emptied before its own. */
  readonly blanks: Settings;
  readonly warnings: readonly Warning[];
}

/**
 * Writes configuration for the recovery: the files that the server will read without stale targets where they lie in the
 * target, and in postgresql.auto.conf, which wins over every other file, the recovery and, for a copy, what keeps it away
 * from production. `outside` is a main file that stays where it is. Throws `config_file_bad`.
 */
export function configure(
  plan: RestorePlan,
  target: EmptyTarget,
  place: ServerAddress & { readonly outside: string | undefined },
): Configured {
  const isCopy = plan.place.kind === 'copy';
  if (plan.configFile !== undefined) {
    keepOriginal(target);
    target.writeFile(target.files.configuration, readAsOwner(plan.configFile, target.owner));
  }
  if (readMember(target, target.files.configuration) === undefined) target.writeFile(target.files.configuration, '');
  const main = place.outside ?? target.pathOf(target.files.configuration);
  const auto = replaceSettings(readMember(target, target.files.autoConfiguration) ?? '', recoveryNames, {});
  const original = untieConfiguration(auto, { member: target.files.autoConfiguration, isCopy });
  const textOf = untied(target, isCopy);
  const autoPath = target.pathOf(target.files.autoConfiguration);
  const read = [
    ...readConfiguration(main, textOf),
    ...readConfiguration(autoPath, (file) => (file === autoPath ? original : textOf(file))),
  ];
  const libraries = lastValue(read, 'shared_preload_libraries') ?? '';
  const own = isCopy ? keptAway(plan, target, { place, libraries }) : closedDoor(plan.serverMajor, place.socket);
  const primary = plan.ways?.primary;
  const recovery = primary === undefined ? recoverySettings(plan) : standbySettings(primary);
  const stale = read.filter(({ name, value }) => recoveryNames.includes(name) && value !== '');
  const blanks = blankStops(
    stale.map(({ name }) => name),
    recovery,
  );
  writeSettings(plan, target, {
    text: original,
    dropped: [],
    settings: { ...blanks, ...own, ...recovery },
  });
  if (!hasRecoveryFile(plan)) giveSignal(plan, target);
  return { blanks, warnings: [...warnStale(stale), ...(isCopy ? warnLibraries(libraries) : [])] };
}

/** What keeps a copy away from production; a scratch instance lets in whoever owns its directory. */
function keptAway(
  plan: RestorePlan,
  target: EmptyTarget,
  { place, libraries }: { readonly place: ServerAddress; readonly libraries: string },
): Settings {
  const { statistics, hba } = target.files;
  const own = copySettings({ major: plan.serverMajor, ...addressOf(place), libraries, statistics });
  if (plan.ways?.isScratch !== true) return own;
  target.writeFile(hba, scratchAccess);
  return { ...own, ...scratchSettings(plan.serverMajor) };
}

function giveSignal(plan: RestorePlan, target: EmptyTarget): void {
  if (plan.ways?.primary !== undefined) target.writeFile('standby.signal', '');
  else if (!startsPlainly(plan)) target.writeFile('recovery.signal', '');
}

const hasRecoveryFile = ({ engine }: RestorePlan): boolean => engineProfile(engine).recovery === 'recovery.conf';

interface NewSettings {
  /** Of the file that the server writes itself, and that wins over all others. */
  readonly text: string;
  readonly dropped: readonly string[];
  readonly settings: Settings;
}

/** Puts settings where a server of this engine takes them: a server before PostgreSQL 12 has a file for its recovery. */
function writeSettings(plan: RestorePlan, target: EmptyTarget, { text, dropped, settings }: NewSettings): void {
  const write = (own: Settings): void => {
    target.writeFile(target.files.autoConfiguration, replaceSettings(text, dropped, own));
  };
  if (!hasRecoveryFile(plan)) {
    write(settings);
    return;
  }
  const { configuration, recoveryConf } = splitRecovery(settings);
  write(configuration);
  const isStandby = plan.ways?.primary !== undefined;
  const isWanted = Object.keys(recoveryConf).length > 0 && (isStandby || !startsPlainly(plan));
  const own = isStandby ? { standby_mode: 'on', ...recoveryConf } : recoveryConf;
  if (isWanted) target.writeFile('recovery.conf', formatSettings(own));
}

/** Texts as the server will read them: what lies in the target is written anew without what ties it to a former place. */
const untied =
  (target: EmptyTarget, isCopy: boolean) =>
  (file: string): string | undefined => {
    const text = readSettingsFile(file);
    if (text === undefined || !file.startsWith(`${target.directory}/`)) return text;
    const member = relative(target.directory, file);
    const clean = untieConfiguration(text, { member, isCopy });
    if (clean !== text) target.writeFile(member, clean, statSync(file).mode);
    return clean;
  };

function warnStale(stale: readonly SettingRead[]): readonly Warning[] {
  const places = stale.map(({ file, line, name }) => `${file} line ${String(line)} sets ${name}`);
  if (places.length === 0) return [];
  return [
    {
      code: 'recovery_settings_overruled',
      detail: `settings of a former recovery were overruled, remove them: ${places.join('; ')}`,
    },
  ];
}

function warnLibraries(libraries: string): readonly Warning[] {
  const unknown = unknownLibraries(libraries);
  if (unknown.length === 0) return [];
  return [
    {
      code: 'libraries_unknown',
      detail: `the copy loads ${unknown.join(', ')}: check that none of them runs jobs or sends data elsewhere, or take it out of shared_preload_libraries of the copy`,
    },
  ];
}

/** After a copy was recovered: recovery settings leave, those that keep it apart stay for every later start. */
export function settleCopy(plan: RestorePlan, target: EmptyTarget, address: ServerAddress): void {
  const auto = readMember(target, target.files.autoConfiguration) ?? '';
  const libraries = lastValue(assignmentsIn(auto), 'shared_preload_libraries') ?? '';
  const { statistics } = target.files;
  const kept = copySettings({ major: plan.serverMajor, ...address, libraries, statistics });
  const recovery = plan.isOpenedAfter ? {} : { ...recoverySettings({ ...plan, isOpenedAfter: true }) };
  const dropped = [...recoveryNames, ...temporary];
  writeSettings(plan, target, { text: auto, dropped, settings: { ...kept, ...recovery } });
}

/**
 * In place, the settings of the instance come back as the set holds them, without former recoveries. A database that is
 * left closed keeps its target, to be opened there by the next start.
 */
export function settleInPlace(
  plan: RestorePlan,
  target: EmptyTarget,
  { original, blanks }: { readonly original: string; readonly blanks: Settings },
): void {
  const kept = plan.isOpenedAfter ? {} : { ...blanks, ...closedSettings(plan) };
  writeSettings(plan, target, { text: original, dropped: recoveryNames, settings: kept });
}

const needsToOpen = (name: string): boolean =>
  name === 'restore_command' || name === 'recovery_min_apply_delay' || name.startsWith('recovery_target');

/** What a database that is left closed in place needs to open at its target, and nothing else: it is production. */
export function closedSettings(plan: RestorePlan): Settings {
  const all = Object.entries(recoverySettings({ ...plan, isOpenedAfter: true }));
  return Object.fromEntries(all.filter(([name]) => needsToOpen(name)));
}

/** Value that the server will see of a setting, before a restore adds its own; `outside` as in `configure`. */
export const configuredValue = (target: EmptyTarget, outside: string | undefined, name: string): string | undefined =>
  lastValue(
    [
      ...readConfiguration(outside ?? target.pathOf(target.files.configuration)),
      ...readConfiguration(target.pathOf(target.files.autoConfiguration)),
    ],
    name,
  );

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
  const text = readMember(target, target.files.configuration);
  if (text !== undefined) target.writeFile(`${target.files.configuration}.from-set`, text);
}
