import { join } from 'node:path';
import { engineProfile } from '#core/engine/profiles.ts';
import type { RestoreReport } from '#core/restore/report.ts';
import { noProgress } from '#core/run/progress.ts';
import { isMarkedFor } from '#agent/datadir/writer-marker.ts';
import type { FileOwner } from '#agent/datadir/writer-paths.ts';
import { isAbsent } from '#agent/datadir/writer-paths.ts';
import type { EmptyTarget } from '#agent/datadir/writer.ts';
import type { ServerAddress } from './configure.ts';
import { settleCopy } from './configure.ts';
import type { RestoreJournal } from './journal.ts';
import type { Recovered, RecoveryRequest } from './recover.ts';
import { recover } from './recover.ts';
import type { RestoredSet } from './restore-set.ts';
import type { RestoreWork } from './restore-work.ts';
import { releasePlaces } from './release-places.ts';
import { socketOf } from './socket.ts';
import { stopLeftServer } from './stop-left-server.ts';
import { writeTarget } from './write-target.ts';

/** Restores to a new directory. The copy is left running on a private socket, or closed (K-107); it can touch nothing of production. */
export async function restoreCopy(
  work: RestoreWork,
  owner: FileOwner,
  journal: RestoreJournal,
): Promise<RestoreReport> {
  const { order, watch } = work;
  const { plan } = order;
  if (!isAbsent(plan.place.directory) && isMarkedFor(plan.place.directory, order.runId))
    await stopLeftServer(plan.place.directory);
  const { defaults } = engineProfile(plan.engine);
  const port = plan.place.kind === 'copy' ? (plan.place.port ?? defaults.port) : defaults.port;
  const address = (one: EmptyTarget): ServerAddress => ({ port, socket: socketOf(one, port) });
  const ways = { owner, addressOf: address, beforeFinish: () => undefined };
  const { target, restored, configured } = await writeTarget(work, ways);
  const { socket } = address(target);
  reportReplay(work, restored);
  const recovered = await watch.time('recover', () => recoverOrClean(work, target));
  settleCopy(plan, target, { port, socket });
  const report: RestoreReport = {
    ...reportOf(work, target, recovered),
    ...(plan.isOpenedAfter ? { port, socket } : {}),
    bytesWritten: restored.bytesWritten,
    filesWritten: restored.filesWritten,
    warnings: [...restored.warnings, ...configured.warnings],
  };
  journal.finish(report);
  releasePlaces(order);
  return report;
}

/** A cancelled copy leaves nothing; one whose recovery failed stays, closed and marked, for the operator to look at. */
async function recoverOrClean(work: RestoreWork, target: EmptyTarget): Promise<Recovered> {
  try {
    return await recover(recoveryOf(work, target));
  } catch (error) {
    if (work.step.signal.aborted) target.discard();
    throw error;
  }
}

export function reportReplay({ step }: RestoreWork, { bytesWritten, filesWritten }: RestoredSet): void {
  const all = { bytesWritten, bytesTotal: bytesWritten, filesDone: filesWritten, filesTotal: filesWritten };
  step.report({ ...noProgress, phase: 'replay', ...all });
}

/**
 * Where the words of the servers that a run starts go: in the agent's own directory, because a file of another owner in a
 * data directory breaks every tool that copies it.
 */
export const serverLogOf = ({ deps, order }: Pick<RestoreWork, 'deps' | 'order'>): string =>
  join(deps.home, 'runs', order.runId, 'server.log');

export const recoveryOf = ({ deps, order, step, programs }: RestoreWork, target: EmptyTarget): RecoveryRequest => ({
  plan: order.plan,
  directory: target.directory,
  programs,
  owner: target.owner,
  logFile: serverLogOf({ deps, order }),
  signal: step.signal,
});

export const reportOf = (
  work: RestoreWork,
  target: EmptyTarget,
  recovered: Recovered,
): Pick<
  RestoreReport,
  'directory' | 'timeline' | 'reachedLsn' | 'lastTransactionAt' | 'isOpen' | 'secondsByPhase'
> => ({
  directory: target.directory,
  timeline: recovered.timeline,
  reachedLsn: recovered.reachedLsn,
  ...(recovered.lastTransactionAt === undefined ? {} : { lastTransactionAt: recovered.lastTransactionAt }),
  isOpen: recovered.server !== undefined,
  secondsByPhase: work.watch.secondsByPhase(),
});
