import { parseId } from '#core/id.ts';
import type { LaneRequest, LaneVerdict } from '#core/run/work-order.ts';
import type { ControlActivities, ControlDeps } from './control-activities.ts';

type LaneDeps = Pick<ControlDeps, 'book' | 'door'>;

/** Asks for the lane; a run let in at once is running from here on. Repeating it after the lane died asks again. */
export const enterLane =
  (deps: LaneDeps): ControlActivities['enterLane'] =>
  async (request) => {
    const verdict = await ask(deps, request);
    if (verdict.verdict === 'entered') await deps.book.begin(request.order.runId);
    return verdict;
  };

/**
 * Why a second question: who started a run because another had ended must not hear that it is busy with that one. The
 * lane may learn of the end seconds later than the catalog, when its worker died in between.
 */
async function ask({ book, door }: LaneDeps, request: LaneRequest): Promise<LaneVerdict> {
  const verdict = await door.enter(request);
  if (verdict.verdict !== 'busy' || !(await book.isClosed(parseId('run', verdict.holder)))) return verdict;
  return door.enter({ ...request, whenBusy: 'wait' });
}
