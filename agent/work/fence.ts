import type { LaneEntry } from '#core/run/lane.ts';
import { admissible } from '#core/run/lane.ts';

/**
 * The lanes of this process: a terminated workflow frees its id at once while its work lives on for seconds, so the
 * agent itself keeps what must not meet apart, by the same matrix (temporal-verified §0.3, §5).
 */
export interface Fence {
  /** Waits for entry, or rejects with the reason of the signal. */
  enter(owner: string, entry: LaneEntry, signal: AbortSignal): Promise<{ leave(): void }>;
}

interface Waiter extends LaneEntry {
  readonly open: () => void;
}

interface Lane {
  running: LaneEntry[];
  waiting: Waiter[];
}

/** One fence per agent process. */
export function openFence(): Fence {
  const lanes = new Map<string, Lane>();
  const laneOf = (owner: string): Lane => {
    const lane = lanes.get(owner) ?? { running: [], waiting: [] };
    lanes.set(owner, lane);
    return lane;
  };
  const letIn = (lane: Lane): void => {
    const entering = admissible(lane.running, lane.waiting);
    lane.waiting = lane.waiting.filter((waiter) => !entering.includes(waiter));
    lane.running.push(...entering);
    for (const waiter of entering) waiter.open();
  };
  return {
    enter: async (owner, entry, signal) => {
      signal.throwIfAborted();
      const lane = laneOf(owner);
      const waiter = await waitAt(lane, entry, { signal, letIn });
      return {
        leave: () => {
          lane.running = lane.running.filter((held) => held !== waiter);
          letIn(lane);
          if (lane.running.length + lane.waiting.length === 0) lanes.delete(owner);
        },
      };
    },
  };
}

interface Door {
  readonly signal: AbortSignal;
  readonly letIn: (lane: Lane) => void;
}

function waitAt(lane: Lane, entry: LaneEntry, { signal, letIn }: Door): Promise<LaneEntry> {
  return new Promise((resolve, reject) => {
    const giveUp = (): void => {
      lane.waiting = lane.waiting.filter((other) => other !== waiter);
      reject(signal.reason instanceof Error ? signal.reason : new DOMException('aborted', 'AbortError'));
      letIn(lane);
    };
    const waiter: Waiter = {
      key: entry.key,
      kind: entry.kind,
      open: () => {
        signal.removeEventListener('abort', giveUp);
        resolve(waiter);
      },
    };
    signal.addEventListener('abort', giveUp, { once: true });
    lane.waiting.push(waiter);
    letIn(lane);
  });
}
