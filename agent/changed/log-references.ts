import { changedByReferences } from '#core/changed/judge-file.ts';
import { timelineSteps } from '#core/wal/history-file.ts';
import { compareLsn, lsnToNumber } from '#core/wal/lsn.ts';
import type { Lsn } from '#core/wal/lsn.ts';
import { branchIdOf } from '#agent/codec/hash.ts';
import type { CommittedBranch } from '#agent/wal/committed-log.ts';
import { readBranch } from '#agent/wal/committed-log.ts';
import type { RouteStep } from './log-places.ts';
import { LogWalk } from './log-walk.ts';
import { ownLog } from './own-log.ts';
import type { ChangedPagesRequest, Unusable, Usable } from './request.ts';
import { layoutOf } from './request.ts';

/**
 * Block references of log (engine.md §B): those that log backup made beside its batches; where there are none, the
 * segments of pg_wal, the pool and the archive directory. All of it along the history of the timeline, each record of what is read
 * checked and chained to the one before it. A hole anywhere, and log in the pool that is not the server's, make the source unusable.
 */
export async function openLogReferences(request: ChangedPagesRequest): Promise<Usable | Unusable> {
  const { base, now } = request;
  const steps = timelineSteps(now, base.beginLsn, now.beginLsn);
  const [first] = steps;
  if (first !== undefined && first.timeline !== base.timeline)
    return {
      unusable: `the base is on timeline ${String(base.timeline)}, which the history does not pass`,
      isExpected: false,
    };
  const route: RouteStep[] = [];
  for (const step of steps) {
    const branchId = branchIdOf(step.history, step.timeline);
    route.push({ ...step, branchId, committed: await committedLog(request, step.from, branchId) });
  }
  const [written] = route.slice(-1);
  const own = written === undefined ? { bytesRead: 0 } : await ownLog(request, written);
  if (own.other !== undefined) return { unusable: own.other, isExpected: false };
  const walk = new LogWalk(request, route);
  const hole = await walk.run();
  if (hole !== undefined)
    return { unusable: hole, isExpected: route.every(({ committed }) => committed.batches.length === 0) };
  const { references, bytesRead, notes } = walk;
  const { lastUnlisted } = references;
  if (lastUnlisted !== undefined && compareLsn(lastUnlisted.lsn, base.beginLsn) >= 0) {
    const why = lastUnlisted.why === 'minimal' ? 'wal_level was minimal' : 'the log holds a record of an unknown kind';
    return { unusable: `${why} at ${lastUnlisted.lsn}`, isExpected: false };
  }
  const layout = layoutOf(request);
  const changedIn: Usable['pages']['changedIn'] = (file) => changedByReferences(file, layout, references);
  return { pages: { source: 'log', changedIn }, logBytesRead: bytesRead + own.bytesRead, notes };
}

function committedLog(
  { pool, base, control }: ChangedPagesRequest,
  from: Lsn,
  branchId: string,
): Promise<CommittedBranch> {
  const position = lsnToNumber(from);
  return readBranch(pool, { systemId: base.systemId, branchId }, position - (position % control.segmentBytes));
}
