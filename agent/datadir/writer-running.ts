import { readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { engineLayouts } from '#core/engine/profiles.ts';
import { fail } from '#core/errors/fail.ts';
import { codeOf, readIfThere } from '#agent/file-system.ts';
import type { PidFile } from './reader.ts';
import { isAlive, readPidFile } from './reader.ts';
import { processIds, titlesOf } from './server-processes.ts';

/** True when a living process works in a directory, as a server does in its own (a number alone may have been taken again). */
export function worksIn(pid: number, directory: string): boolean {
  try {
    return isAlive(pid) && readlinkSync(`/proc/${String(pid)}/cwd`) === directory;
  } catch (error) {
    if (['ENOENT', 'EACCES', 'ESRCH'].includes(codeOf(error))) return false;
    throw error;
  }
}

/**
 * Refuses a directory on which a server may run (peers.md §5 item 1): a pid file is evidence even when its process is
 * not visible (another container), and so is a process that works in the directory, or the lock of its socket.
 * Throws `target_running` with the client connections that were found (K-119).
 */
export function refuseRunning(directory: string): void {
  const found = evidenceOf(directory);
  if (found === undefined) return;
  const clients = clientsOf(found.pid);
  throw fail('target_running', {
    directory,
    evidence: found.what,
    clients: clients.length === 0 ? 'none' : `${String(clients.length)} (${clients.slice(0, 5).join('; ')})`,
  });
}

function evidenceOf(directory: string): { readonly pid: number; readonly what: string } | undefined {
  const file = readPidFile(directory);
  if (file !== undefined) {
    const state = isAlive(file.pid)
      ? 'is running'
      : 'is not visible from here; if it is certainly gone, remove the file';
    return {
      pid: file.pid,
      what: `${file.name} names process ${String(file.pid)}, which ${state}${socketLock(file)}`,
    };
  }
  const pid = workingIn(directory);
  return pid === undefined ? undefined : { pid, what: `process ${String(pid)} works in it` };
}

/** The lock file beside the socket names the same process: the server still listens. */
function socketLock(file: PidFile): string {
  if (file.socketDirectory === '' || file.port === undefined) return '';
  const { socketDirectory, port } = file;
  const locks = engineLayouts.map(({ files }) => join(socketDirectory, `${files.socketPrefix}${String(port)}.lock`));
  const held = locks.find((path) => Number.parseInt(readIfThere(path) ?? '', 10) === file.pid);
  return held === undefined ? '' : `, with its socket lock ${held}`;
}

const serverNames = engineLayouts.map(({ tools }) => tools.server);

/** A server process keeps its data directory as working directory, even when somebody removed its pid file. */
export function workingIn(directory: string): number | undefined {
  return processIds().find((pid) => {
    try {
      return (
        readlinkSync(`/proc/${String(pid)}/cwd`) === directory &&
        serverNames.some((name) => readlinkSync(`/proc/${String(pid)}/exe`).includes(name))
      );
    } catch {
      // The process ended, or belongs to somebody whose processes we may not see.
      return false;
    }
  });
}

/** Titles of client sessions end in `user database [local] state` or `user database address(port) state`. */
const clientTitle = /^\S+: (?:\S+: )?(\S+ \S+ (?:\[local\]|[0-9a-fA-F.:]+\(\d+\))) /;

/** Client sessions of a server by their process titles: needs no login (K-119). */
export function clientsOf(postmaster: number): readonly string[] {
  if (!isAlive(postmaster)) return [];
  return titlesOf(postmaster).flatMap((title) => {
    const session = clientTitle.exec(title)?.[1];
    return session === undefined ? [] : [session];
  });
}
