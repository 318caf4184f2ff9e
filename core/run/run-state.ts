/** States of a run (design §4) and the moves between them. */
const next = {
  queued: ['running', 'cancelled', 'failed', 'skipped'],
  running: ['paused', 'succeeded', 'warned', 'failed', 'cancelled', 'skipped'],
  // A pause may come too late: what was past reading and sending ends as it would have.
  paused: ['running', 'succeeded', 'warned', 'failed', 'cancelled', 'skipped'],
  succeeded: [],
  warned: [],
  failed: [],
  cancelled: [],
  skipped: [],
} as const satisfies Record<string, readonly string[]>;

/** `warned` is "succeeded with warnings". */
export type RunState = keyof typeof next;
export const canMove = (from: RunState, to: RunState): boolean => (next[from] as readonly RunState[]).includes(to);
export const isFinal = (state: RunState): boolean => next[state].length === 0;
