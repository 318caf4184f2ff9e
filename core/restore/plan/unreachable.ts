import { fail } from '#core/errors/fail.ts';
import type { HoldfastError } from '#core/errors/holdfast-error.ts';
import { furthestText } from '#core/log/furthest.ts';
import type { Located, LogTimeline, RecoveryPoint } from '#core/log/timeline.ts';
import type { RestoreRequest } from '#core/restore/request.ts';
import type { RestoreTarget } from '#core/restore/target.ts';

type Refused = Extract<Located, { isReachable: false }>;

/** A target in words, as plans and errors print it. */
export function describeTarget(target: RestoreTarget): string {
  switch (target.at) {
    case 'time':
      return `${target.isInclusive ? '' : 'just before '}${target.time}`;
    case 'lsn':
      return `${target.isInclusive ? '' : 'just before '}LSN ${target.lsn}`;
    case 'xid':
      return `${target.isInclusive ? '' : 'just before '}transaction ${target.xid}`;
    case 'name':
      return `restore point ${target.name}`;
    case 'immediate':
      return target.setId === undefined ? 'the backup state of the newest set' : `the backup state of ${target.setId}`;
    case 'latest':
      return 'the latest point';
  }
}

/** A reachable point in words; its time comes first, so that texts sort by time. */
export const near = (point: RecoveryPoint | undefined): string =>
  point === undefined ? 'none' : `${point.at} (LSN ${point.lsn})`;

/** The registered error for a point that cannot be reached, naming the nearest reachable ones. */
export function refuseAsUsual(request: RestoreRequest, located: Refused, timeline: LogTimeline): HoldfastError {
  const resource = request.resourceName;
  const point = describeTarget(request.target);
  const before = near(located.before);
  const after = near(located.after);
  switch (located.reason) {
    case 'no-set':
      return fail('no_set_to_restore', { resource });
    case 'set-unknown':
      return fail('restore_set_unknown', { setId: setNamed(request), resource });
    case 'timeline-unknown':
      return fail('timeline_unknown', {
        timeline: String(request.timeline ?? 'current'),
        resource,
        known: timelines(timeline),
      });
    case 'before-first-set':
      return beforeSet(request, point, after);
    case 'in-gap':
      return fail('point_in_gap', { point, resource, before, after, furthest: furthestText(timeline) });
    case 'after-latest':
      return fail('point_after_latest', { point, resource, before, furthest: furthestText(timeline) });
    case 'name-unknown':
      return fail('name_unknown', { name: nameAsked(request), resource, known: names(timeline) });
    case 'name-ambiguous':
      return ambiguous(request, located);
    case 'xid-unknown':
      return fail('transaction_unknown', {
        xid: request.target.at === 'xid' ? request.target.xid : point,
        resource,
        before,
        after,
      });
  }
}

const nameAsked = ({ target }: RestoreRequest): string => (target.at === 'name' ? target.name : describeTarget(target));

const ambiguous = (request: RestoreRequest, { points = [] }: Refused): HoldfastError =>
  fail('name_ambiguous', {
    name: nameAsked(request),
    resource: request.resourceName,
    points: points.map(near).join('; '),
  });

function beforeSet(request: RestoreRequest, point: string, after: string): HoldfastError {
  const chosen = request.log.sets.find((set) => set.setId === request.setId);
  if (chosen === undefined) return fail('point_before_first_set', { point, resource: request.resourceName, after });
  return fail('target_below_backup_end', {
    point,
    setId: chosen.setId,
    end: `${chosen.endedAt} (LSN ${chosen.endLsn})`,
  });
}

const setNamed = (request: RestoreRequest): string =>
  request.setId ?? (request.target.at === 'immediate' ? request.target.setId : undefined) ?? 'unnamed';

const timelines = (timeline: LogTimeline): string =>
  [...new Set(timeline.branches.map((branch) => String(branch.timeline)))].join(', ') || 'none';

const names = (timeline: LogTimeline): string =>
  timeline.branches
    .flatMap((branch) => branch.stretches.flatMap((stretch) => stretch.restorePoints.map((one) => one.name)))
    .join(', ') || 'none';
