import type { NewEvent } from '#catalog/notices/events.ts';
import { HoldfastError } from '#core/errors/holdfast-error.ts';
import { parseId } from '#core/id.ts';
import type { MendedLane } from './mend-lanes.ts';

/** What is told of a lane that was begun anew: once for each execution that was ended. */
export function laneEvent({ owner, executionId, attempts, reason }: MendedLane): NewEvent {
  const message = `the lane of ${owner} could not go on (${reason}, ${String(attempts)} times): it was begun anew, and the runs in it go on`;
  return {
    type: 'lane.mended',
    key: `lane.mended:${executionId}`,
    ...subjectOf(owner),
    data: { lane: owner, attempts, reason, message },
  };
}

/** Lanes of directories and of pools are named by their owner alone. */
function subjectOf(owner: string): Pick<NewEvent, 'resourceId'> {
  try {
    return { resourceId: parseId('res', owner) };
  } catch (error) {
    if (error instanceof HoldfastError) return {};
    throw error;
  }
}
