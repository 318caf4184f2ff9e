import { join } from 'node:path';
import type { RunId } from '#core/id.ts';
import { isAlive, readIfPresent } from '#agent/datadir/reader.ts';

/** True while a process of this host holds the journal of a backup run: its workflow may be gone before it stops. */
export function isAtWorkHere(home: string, runId: RunId): boolean {
  const holder = readIfPresent(join(home, 'runs', runId, 'backup.lock')) ?? '';
  const pid = Number(holder.split(' ')[0]);
  return pid > 0 && isAlive(pid);
}
