import type { ControlActivities, ControlDeps } from './control-activities.ts';

/**
 * Loads the job revision of a run: the first step, so that a schedule carries nothing but ids (design §4). Subjects are
 * left out while Temporal does not know the search attributes.
 */
export const recordRun =
  ({ book, search }: ControlDeps): ControlActivities['recordRun'] =>
  async (runId) => {
    const { subjects, ...ticket } = await book.ticket(runId);
    return subjects !== undefined && (await search.isReady()) ? { ...ticket, subjects } : ticket;
  };
