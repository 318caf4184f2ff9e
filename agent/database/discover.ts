import { lstatSync, readFileSync, readdirSync, readlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { DiscoveredInstance } from '#core/agent/inspection.ts';
import { engineLayouts, profileOf, requireMajor } from '#core/engine/profiles.ts';
import type { EngineProfile } from '#core/engine/profile.ts';
import { HoldfastError } from '#core/errors/holdfast-error.ts';
import { readControlFile, readIfPresent, readMajor, readPidFile } from '#agent/datadir/reader.ts';
import { isAsideName } from '#agent/datadir/writer-aside.ts';
import { readMarker } from '#agent/datadir/writer-marker.ts';

export interface DiscoverySettings {
  /** Directories below which closed clusters are looked for, three levels deep; running ones are found by their process. */
  readonly roots: readonly string[];
  /** `/proc`; a test brings its own. */
  readonly processes: string;
}

const rootDepth = 3;

/**
 * Instances of this host by process, pid file, data directory and configuration. What cannot be read (another owner,
 * a cluster that is just being made) is no instance we could protect and is left out.
 */
export async function discover(settings: DiscoverySettings): Promise<readonly DiscoveredInstance[]> {
  const found = new Map<string, DiscoveredInstance>();
  for (const profile of engineLayouts) {
    const running = runningDirectories(profile, settings.processes);
    const closed = settings.roots.flatMap((root) => clusterDirectories(profile, root, rootDepth));
    for (const directory of new Set([...running, ...closed])) {
      const instance = await describe(profile, directory);
      if (instance !== undefined) found.set(directory, instance);
    }
  }
  return [...found.values()];
}

/**
 * Directories of the server programs of instances on this host: of running ones where the program lies that runs, of
 * closed ones where it lay when they were last started.
 */
export function discoverPrograms(settings: DiscoverySettings): readonly string[] {
  const found = engineLayouts.flatMap((profile) => [
    ...runningDirectories(profile, settings.processes).map((directory) => programOf(profile, directory)),
    ...settings.roots
      .flatMap((root) => clusterDirectories(profile, root, rootDepth))
      .map((directory) => startedWith(profile, directory)),
  ]);
  return [...new Set(found.filter((path) => path.startsWith('/')).map((path) => dirname(path)))];
}

/** The first server process works inside its data directory and is the one named in the pid file there. */
function runningDirectories(profile: EngineProfile, processes: string): string[] {
  const found: string[] = [];
  for (const pid of readdirSync(processes).filter((name) => /^\d+$/.test(name))) {
    const title = attempt(() => readFileSync(join(processes, pid, 'comm'), 'utf8').trim());
    if (title === undefined || !profile.tools.processNames.includes(title)) continue;
    const directory = attempt(() => readlinkSync(join(processes, pid, 'cwd')));
    if (directory !== undefined && attempt(() => readPidFile(directory, profile.files.pid))?.pid === Number(pid))
      found.push(directory);
  }
  return found;
}

/** What a restore moved aside, and what one is writing right now, are no instances to protect. */
function clusterDirectories(profile: EngineProfile, directory: string, depth: number): string[] {
  if (attempt(() => readMarker(directory)) !== undefined) return [];
  if (attempt(() => readFileSync(join(directory, profile.files.control))) !== undefined) return [directory];
  if (depth === 0) return [];
  const inner = attempt(() => readdirSync(directory, { withFileTypes: true })) ?? [];
  return inner
    .filter((entry) => entry.isDirectory() && !isAsideName(entry.name))
    .flatMap((entry) => clusterDirectories(profile, join(directory, entry.name), depth - 1));
}

async function describe(layout: EngineProfile, dataDirectory: string): Promise<DiscoveredInstance | undefined> {
  try {
    if (attempt(() => lstatSync(join(dataDirectory, layout.files.log))) === undefined) return undefined;
    const serverMajor = readMajor(layout, dataDirectory);
    const profile = profileOf(layout, tracesOf(layout, dataDirectory));
    requireMajor(profile, serverMajor, dataDirectory);
    const { systemId } = (await readControlFile(profile, dataDirectory)).content;
    const pid = readPidFile(dataDirectory, profile.files.pid);
    const isRunning = pid?.isAlive === true;
    const place =
      pid?.port !== undefined && isRunning
        ? { port: pid.port, socket: pid.socketDirectory || reachable(pid.listenAddress) }
        : configuredPlace(profile, dataDirectory);
    return { engine: profile.name, dataDirectory, ...place, serverMajor, systemId, isRunning };
  } catch (error) {
    if (error instanceof HoldfastError) return undefined;
    throw error;
  }
}

/** Where the program of an instance lies, now and when it was last started: the path of an installation names its release. */
function tracesOf({ files }: Layout, dataDirectory: string): string {
  return [
    programOf({ files }, dataDirectory),
    attempt(() => readIfPresent(join(dataDirectory, files.opts))) ?? '',
  ].join('\n');
}

type Layout = Pick<EngineProfile, 'files'>;

/** Path of the program that runs on a data directory; '' when none does. */
function programOf({ files }: Layout, dataDirectory: string): string {
  const pid = attempt(() => readPidFile(dataDirectory, files.pid))?.pid;
  return attempt(() => readlinkSync(`/proc/${String(pid)}/exe`)) ?? '';
}

/** The same of the last start: first word of what the server noted then. */
const startedWith = ({ files }: Layout, dataDirectory: string): string =>
  (attempt(() => readIfPresent(join(dataDirectory, files.opts))) ?? '').split(/\s/)[0] ?? '';

const reachable = (listenAddress: string): string =>
  ['', '*', '0.0.0.0', '::'].includes(listenAddress) ? 'localhost' : listenAddress;

/** Port and socket of a closed instance as its own configuration says, the later file winning. */
function configuredPlace(profile: EngineProfile, dataDirectory: string): { port: number; socket: string } {
  const names = [profile.files.configuration, profile.files.autoConfiguration];
  const text = names.map((name) => readIfPresent(join(dataDirectory, name)) ?? '').join('\n');
  const last = (setting: string): string | undefined =>
    [...text.matchAll(new RegExp(`^\\s*${setting}\\s*=?\\s*'?([^'#\\n]*)`, 'gim'))].map((m) => m[1]?.trim()).at(-1);
  const socket = last('unix_socket_directories')?.split(',')[0]?.trim();
  return {
    port: Number(last('port') ?? profile.defaults.port),
    socket: socket === undefined || socket === '' ? profile.defaults.socket : socket,
  };
}

/** Processes end and directories are private: what cannot be read while looking around is passed over. */
function attempt<T>(look: () => T): T | undefined {
  try {
    return look();
  } catch {
    return undefined;
  }
}
