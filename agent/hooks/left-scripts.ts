import { processIds } from '#agent/datadir/server-processes.ts';
import type { HookName } from '#core/hooks/hook.ts';
import type { RunId } from '#core/id.ts';
import { codeOf, readIfThere } from '#agent/file-system.ts';

/**
 * Ends what an agent that was killed left of a script: everything that still runs with the environment which this script
 * was given. Returns how many processes that were; none where there is no /proc.
 */
export function endLeftScripts(runId: RunId, name: HookName): number {
  const mine = processIds().filter((pid) => pid !== process.pid && isOfHook(pid, runId, name));
  for (const pid of mine) endOne(pid);
  return mine.length;
}

function isOfHook(pid: number, runId: RunId, name: HookName): boolean {
  const variables = (readIfThere(`/proc/${String(pid)}/environ`) ?? '').split('\0');
  return variables.includes(`HOLDFAST_RUN_ID=${runId}`) && variables.includes(`HOLDFAST_HOOK=${name}`);
}

function endOne(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (cause) {
    if (codeOf(cause) !== 'ESRCH') throw cause;
  }
}
