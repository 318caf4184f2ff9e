import { realpathSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { fail } from '#core/errors/fail.ts';
import { isAlive, readPidFile } from '#agent/datadir/reader.ts';
import { worksIn } from '#agent/datadir/writer-running.ts';

const graceMs = 30_000;
const pollMs = 50;

/**
 * Stops the server that an attempt of this run started before it died: the directory carries the mark of the run, and the
 * process works in that very directory. Anything else is left alone and refused later as `target_running`. SIGINT lets the server write
 * its last checkpoint (PG manual "Shutting Down the Server").
 */
export async function stopLeftServer(directory: string, signal: NodeJS.Signals = 'SIGQUIT'): Promise<void> {
  const file = readPidFile(directory);
  if (file === undefined || !worksIn(file.pid, realpathSync(directory))) return;
  process.kill(file.pid, signal);
  for (let waited = 0; isAlive(file.pid); waited += pollMs) {
    if (waited >= graceMs)
      throw fail('target_running', {
        directory,
        evidence: `process ${String(file.pid)} of an earlier attempt does not end`,
        clients: 'none',
      });
    await pause(pollMs);
  }
}
