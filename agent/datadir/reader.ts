import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { decodeControlFile } from '#core/engine/control-file.ts';
import type { ControlFile } from '#core/engine/control-file.ts';
import type { EngineProfile } from '#core/engine/profile.ts';
import { engineLayouts } from '#core/engine/profiles.ts';
import { postgresql } from '#core/engine/postgresql.ts';
import { HoldfastError } from '#core/errors/holdfast-error.ts';
import { fail } from '#core/errors/fail.ts';
import { codeOf } from '#agent/file-system.ts';
import { cutText } from '#core/text.ts';

/** The control file as bytes and as what they say; the bytes passed their checksum. */
export interface ReadControlFile {
  readonly bytes: Uint8Array;
  readonly content: ControlFile;
}

const controlReads = 20;
const controlWaitMs = 25;

/**
 * Reads pg_control. The running server rewrites it in place without telling: a torn read is repeated until the checksum
 * holds (peers.md §5 item 12). Throws `control_file_damaged`, `version_unsupported`, `data_directory_unreadable`.
 */
export async function readControlFile(profile: EngineProfile, dataDirectory: string): Promise<ReadControlFile> {
  const path = join(dataDirectory, profile.files.control);
  for (let read = 1; ; read++) {
    const bytes = readOf(path, dataDirectory);
    try {
      return { bytes, content: decodeControlFile(bytes, path) };
    } catch (error) {
      const canBeTorn = error instanceof HoldfastError && error.code === 'control_file_damaged';
      if (!canBeTorn || read === controlReads) throw error;
    }
    await wait(controlWaitMs);
  }
}

/** Server major of a data directory. Throws `data_directory_unreadable`, `version_unsupported`. */
export function readMajor(profile: EngineProfile, dataDirectory: string): number {
  const path = join(dataDirectory, profile.files.version);
  const text = readOf(path, dataDirectory).toString('utf8').trim();
  if (!/^\d{1,3}$/.test(text))
    throw fail('version_unsupported', { object: path, version: cutText(text, 20), supported: '12–18' });
  return Number(text);
}

/** What the server says about itself in its pid file (PostgreSQL source, `pidfile.h`). */
export interface PidFile {
  /** Of the file itself. */
  readonly name: string;
  /** Negative in the file for a single-user server; here its absolute value. 0 before the server has written it. */
  readonly pid: number;
  readonly dataDirectory: string;
  readonly port?: number;
  /** First Unix socket directory, '' when there is none. */
  readonly socketDirectory: string;
  readonly listenAddress: string;
  /** `starting`, `stopping`, `ready` or `standby`, '' before the server says anything. */
  readonly status: string;
  /** True while the process named there is alive. */
  readonly isAlive: boolean;
}

/** The engine layout that a directory shows by what lies in it; PostgreSQL's when it shows none. */
export const layoutOf = (directory: string): EngineProfile =>
  engineLayouts.find(({ files }) => existsSync(join(directory, files.log))) ??
  engineLayouts.find(({ files }) => existsSync(join(directory, files.control))) ??
  postgresql;

/** The log directory of a data directory of any engine. */
export const logDirectoryOf = (directory: string): string => join(directory, layoutOf(directory).files.log);

/**
 * Undefined when there is no pid file; one that cannot be read is an error, for a server may run. Without `name` the pid file of any
 * engine counts: what is to be written must not have a server of any kind.
 */
export function readPidFile(directory: string, name?: string): PidFile | undefined {
  const names = name === undefined ? engineLayouts.map(({ files }) => files.pid) : [name];
  for (const one of new Set(names)) {
    const text = readIfPresent(join(directory, one));
    if (text !== undefined) return parsePidFile(one, text);
  }
  return undefined;
}

function parsePidFile(name: string, text: string): PidFile {
  const lines = text.split('\n').map((line) => line.trim());
  const [first = '', dataDirectory = '', , portText, socketDirectory = '', listenAddress = '', , status = ''] = lines;
  const pid = Math.abs(Number.parseInt(first, 10)) || 0;
  const port = Number(portText);
  return {
    name,
    pid,
    dataDirectory,
    ...(Number.isInteger(port) && port > 0 ? { port } : {}),
    ...{ socketDirectory, listenAddress, status },
    isAlive: isAlive(pid),
  };
}

/** True when a process with this id exists, whoever owns it. */
export function isAlive(pid: number): boolean {
  if (pid <= 0) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return codeOf(error) === 'EPERM';
  }
}

/** Content of a text file, undefined when it does not exist. */
export function readIfPresent(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (isGone(error)) return undefined;
    throw error;
  }
}

/** True for errors that say that a path does not exist. */
export const isGone = (error: unknown): boolean => codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR';

function readOf(path: string, directory: string): Buffer {
  try {
    return readFileSync(path);
  } catch (cause) {
    throw fail(
      'data_directory_unreadable',
      { directory, reason: cause instanceof Error ? cause.message : String(cause) },
      cause,
    );
  }
}
