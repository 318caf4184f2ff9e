import type { ControlActivities, ControlDeps } from './control-activities.ts';

/** Asks for the lane; a run let in at once is running from here on. Repeating it after the lane died asks again. */
export const enterLane =
  ({ book, door }: ControlDeps): ControlActivities['enterLane'] =>
  async (request) => {
    const verdict = await door.enter(request);
    if (verdict.verdict === 'entered') await book.begin(request.order.runId);
    return verdict;
  };
