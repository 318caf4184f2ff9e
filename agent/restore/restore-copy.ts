import { join } from 'node:path';
import { engineProfile } from '#core/engine/profiles.ts';
import { reach } from '#core/faults/fault-points.ts';
import type { RestoreReport } from '#core/restore/report.ts';
import { isMarkedFor } from '#agent/datadir/writer-marker.ts';
import type { FileOwner } from '#agent/datadir/writer-paths.ts';
import { isAbsent } from '#agent/datadir/writer-paths.ts';
import type { EmptyTarget } from '#agent/datadir/writer.ts';
import type { ServerAddress } from './recovery/configure.ts';
import { settleCopy } from './recovery/configure.ts';
import type { Following } from './recovery/follow.ts';
import { follow } from './recovery/follow.ts';
import type { RestoreJournal } from './journal.ts';
import type { Recovered, RecoveryRequest } from './recovery/recover.ts';
import { recover } from './recovery/recover.ts';
import type { RestoredSet } from './restore-set.ts';
import type { RestoreWork } from './restore-work.ts';
import { reportPhase } from './report-phase.ts';
import { releasePlaces } from './in-place/release-places.ts';
import { socketOf } from './recovery/socket.ts';
import { stopLeftServer } from './recovery/stop-left-server.ts';
import { writeTarget } from './write/write-target.ts';

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
  reportPhase(work, 'recover', restored);
  const { recovered, warnings } = await watch.time('recover', () => bringUp(work, target, restored));
  reach(work.step, 'restore.after-recover');
  await demandOpen(work, target, recovered);
  if (plan.ways?.endsAs === undefined) settleCopy(plan, target, { port, socket });
  const report: RestoreReport = {
    ...reportOf(work, target, recovered),
    ...(recovered.server === undefined ? {} : { port, socket }),
    bytesWritten: restored.bytesWritten,
    filesWritten: restored.filesWritten,
    warnings: [...restored.warnings, ...configured.warnings, ...warnings],
  };
  journal.finish(report);
  reach(work.step, 'restore.after-report');
  releasePlaces(order);
  return report;
}

/** Recovers, or follows a primary, or does nothing: files are for whoever starts them. */
async function bringUp(work: RestoreWork, target: EmptyTarget, restored: RestoredSet): Promise<Following> {
  const { plan } = work.order;
  if (plan.ways?.endsAs === 'files') return { recovered: { timeline: plan.timeline }, warnings: [] };
  return cleanUnlessDone(work, target, async () =>
    plan.ways?.endsAs === 'standby'
      ? follow(recoveryOf(work, target, restored))
      : { recovered: await recover(recoveryOf(work, target, restored)), warnings: [] },
  );
}

const closeMs = 60_000;

/**
 * K-084: a copy that is ready after its run was given up goes as one that is cancelled. Why not in place as well: an instance that is down is
 * opened as soon as it can be, whoever can be asked.
 */
async function demandOpen(
  { step }: RestoreWork,
  target: EmptyTarget,
  { server }: Pick<Recovered, 'server'>,
): Promise<void> {
  try {
    await step.demandOpen?.();
  } catch (error) {
    await server?.stop('SIGINT', closeMs);
    target.discard();
    throw error;
  }
}

/** A cancelled copy leaves nothing; one whose recovery failed stays, closed and marked, for the operator to look at. */
async function cleanUnlessDone<T>(work: RestoreWork, target: EmptyTarget, bringUp: () => Promise<T>): Promise<T> {
  try {
    return await bringUp();
  } catch (error) {
    if (work.step.signal.aborted) target.discard();
    throw error;
  }
}

/**
 * Where the words of the servers that a run starts go: in the agent's own directory, because a file of another owner in a
 * data directory breaks every tool that copies it.
 */
export const serverLogOf = ({ deps, order }: Pick<RestoreWork, 'deps' | 'order'>): string =>
  join(deps.home, 'runs', order.runId, 'server.log');

export const recoveryOf = (work: RestoreWork, target: EmptyTarget, restored: RestoredSet): RecoveryRequest => ({
  plan: work.order.plan,
  directory: target.directory,
  programs: work.programs,
  owner: target.owner,
  logFile: serverLogOf(work),
  signal: work.step.signal,
  faults: work.step.faults,
  watched: {
    clock: work.deps.clock,
    onReplay: (replay) => {
      reportPhase(work, 'recover', restored, replay);
    },
  },
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
  ...(recovered.reachedLsn === undefined ? {} : { reachedLsn: recovered.reachedLsn }),
  ...(recovered.lastTransactionAt === undefined ? {} : { lastTransactionAt: recovered.lastTransactionAt }),
  isOpen: recovered.server !== undefined,
  secondsByPhase: work.watch.secondsByPhase(),
});
