import { realpathSync } from 'node:fs';
import { join } from 'node:path';
import { whyUnfitOffline } from '#core/backup/unfit-offline.ts';
import type { EngineProfile } from '#core/engine/profile.ts';
import { fail } from '#core/errors/fail.ts';
import { isAlive, readControlFile, readIfPresent, readPidFile } from '#agent/datadir/reader.ts';
import type { ReadControlFile } from '#agent/datadir/reader.ts';
import { workingIn, worksIn } from '#agent/datadir/writer-running.ts';

/** What a closed instance showed; it must show the same after it was copied. */
export interface ClosedInstance {
  readonly control: ReadControlFile;
  readonly pidFile: string | undefined;
}

/**
 * Proves that no server uses a data directory and that it can be backed up as it is. The pid file that a crash left is no
 * server: its process must live and work in the directory, and a process that does so without a pid file counts too.
 * Throws `instance_running`, `instance_unfit_offline`, and what reading the control file throws.
 */
export async function lookAtClosed(profile: EngineProfile, directory: string): Promise<ClosedInstance> {
  refuseRunning(profile, directory);
  const control = await readControlFile(profile, directory);
  const reason = leftover(profile, directory) ?? whyUnfitOffline(control.content);
  if (reason !== undefined) throw fail('instance_unfit_offline', { directory, reason });
  return { control, pidFile: readIfPresent(join(directory, profile.files.pid)) };
}

/** Throws `instance_running` when a server was opened on the directory since `before`, even one that is closed again. */
export async function demandStillClosed(
  profile: EngineProfile,
  directory: string,
  before: ClosedInstance,
): Promise<void> {
  refuseRunning(profile, directory);
  const { bytes } = await readControlFile(profile, directory);
  const isSame = Buffer.compare(bytes, before.control.bytes) === 0;
  const isSamePid = readIfPresent(join(directory, profile.files.pid)) === before.pidFile;
  if (isSame && isSamePid) return;
  const evidence = `${isSame ? profile.files.pid : profile.files.control} changed while the backup copied`;
  throw fail('instance_running', { directory, evidence });
}

function refuseRunning(profile: EngineProfile, directory: string): void {
  const real = realpathOf(directory);
  const file = readPidFile(directory, profile.files.pid);
  const pid = file !== undefined && isServer(file.pid, real) ? file.pid : workingIn(real);
  if (pid === undefined) return;
  const what = pid === file?.pid ? `${profile.files.pid} names process ${String(pid)}` : `process ${String(pid)}`;
  throw fail('instance_running', { directory, evidence: `${what}${pid === file?.pid ? ', which' : ''} works in it` });
}

/** A process that we may not look at counts: better refuse once too often than copy files that change. */
function isServer(pid: number, directory: string): boolean {
  if (!isAlive(pid)) return false;
  return worksIn(pid, directory) || readIfPresent(`/proc/${String(pid)}/comm`) === undefined;
}

function realpathOf(directory: string): string {
  try {
    return realpathSync(directory);
  } catch (cause) {
    throw fail(
      'data_directory_unreadable',
      { directory, reason: cause instanceof Error ? cause.message : String(cause) },
      cause,
    );
  }
}

/** Files that say that the next start is to begin another recovery than the one of a crash. */
function leftover({ files }: EngineProfile, directory: string): string | undefined {
  const names = [files.label, 'recovery.signal', 'standby.signal', 'recovery.conf'];
  const found = names.find((name) => readIfPresent(join(directory, name)) !== undefined);
  return found === undefined ? undefined : `${found} is in it: it waits for a recovery that did not end`;
}
