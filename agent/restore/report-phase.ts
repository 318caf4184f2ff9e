import type { Replay } from '#core/run/progress.ts';
import { noProgress } from '#core/run/progress.ts';
import type { RestoredSet } from './restore-set.ts';
import type { RestoreWork } from './restore-work.ts';

/** Tells a phase after all files are written: its counters stand where they ended. */
export function reportPhase(
  { step }: Pick<RestoreWork, 'step'>,
  phase: string,
  { bytesWritten, filesWritten }: Pick<RestoredSet, 'bytesWritten' | 'filesWritten'>,
  replay?: Replay,
): void {
  const all = { bytesWritten, bytesTotal: bytesWritten, filesDone: filesWritten, filesTotal: filesWritten };
  step.report({ ...noProgress, phase, ...all, ...(replay === undefined ? {} : { replay }) });
}
