import { setTimeout as pause } from 'node:timers/promises';
import { pollUntil } from '../supervisor/wait.ts';
import type { Part, Parts } from './parts.ts';
import { victims } from './plan.ts';

/** What keeps a Holdfast running: a part that ended is started again, as often as it takes, never twice at once. */
export interface Supervisor {
  /** kill -9, and after a while the part is started again. Waits until an earlier kill of it is over; `hit` is called at the instant. */
  kill(part: Part, outageMs: number, hit: () => Promise<void>): Promise<void>;
  /** Resolves when every part runs and serves. */
  untilWhole(): Promise<void>;
  /** Parts that ended by themselves, such as an API whose catalog went away. */
  fallen(): readonly Part[];
  close(): void;
}

const againMs = 500;
const wholeWithinMs = 180_000;

export function openSupervisor(parts: Parts): Supervisor {
  const chains = new Map<Part, Promise<void>>();
  const fallen: Part[] = [];
  let isClosed = false;
  const inTurn = (part: Part, act: () => Promise<void>): Promise<void> => {
    const next = (chains.get(part) ?? Promise.resolve()).then(act);
    chains.set(
      part,
      next.catch(() => undefined),
    );
    return next;
  };
  const revive = async (part: Part): Promise<void> => {
    // A part may need another one that is away: it is tried again, as init systems do.
    while (!isClosed && !parts.childOf(part).isRunning()) {
      await parts.start(part).catch(() => pause(againMs));
    }
  };
  const watch = async (): Promise<void> => {
    while (!isClosed) {
      const part = await parts.nextBroken();
      fallen.push(part);
      void inTurn(part, () => revive(part));
    }
  };
  void watch();
  const isWhole = (): boolean => victims.every((part) => parts.childOf(part).isRunning());
  return {
    kill: (part, outageMs, hit) =>
      inTurn(part, async () => {
        if (isClosed) return;
        await Promise.all([parts.kill(part), hit()]);
        await pause(outageMs);
        await revive(part);
      }),
    untilWhole: async () => {
      await pollUntil(
        async () => {
          await Promise.all(victims.map((part) => inTurn(part, () => revive(part))));
          return isWhole() || undefined;
        },
        { what: 'every part to run', timeoutMs: wholeWithinMs },
      );
    },
    fallen: () => fallen,
    close: () => {
      isClosed = true;
    },
  };
}
