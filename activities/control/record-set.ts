import type { ControlActivities, ControlDeps } from './control-activities.ts';

/** Links the committed set to its run. The pool is truth, the catalog an index: repeating it changes nothing. */
export const recordSet =
  ({ book }: ControlDeps): ControlActivities['recordSet'] =>
  (runId, setId) =>
    book.recordSet(runId, setId);
