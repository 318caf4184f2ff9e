import { EventEmitter, once } from 'node:events';
import type { Child } from '../supervisor/child.ts';
import type { SecondHost } from '../supervisor/second-host.ts';
import type { Stack } from '../supervisor/stack.ts';
import type { PartName } from '../supervisor/stack-parts.ts';

/** A part of the stack, or the agent of the second host. */
export type Part = PartName | 'second-agent';

/** A hand on everything that is killed and started again. */
export interface Parts {
  childOf(part: Part): Pick<Child, 'isRunning'>;
  /** SIGKILL, as a crash. */
  kill(part: Part): Promise<void>;
  start(part: Part): Promise<void>;
  /** Resolves with the next part that ends without being asked to. */
  nextBroken(): Promise<Part>;
}

export function partsOf(stack: Stack, second: SecondHost): Parts {
  const ends = new EventEmitter<{ broken: [Part] }>();
  let isExpected = false;
  const watchStack = async (): Promise<never> => {
    for (;;) ends.emit('broken', await stack.nextBroken());
  };
  const watchSecond = (): void => {
    isExpected = false;
    void second.child().ended.then(() => {
      if (!isExpected) ends.emit('broken', 'second-agent');
    });
  };
  void watchStack();
  watchSecond();
  return {
    childOf: (part) => (part === 'second-agent' ? second.child() : stack.childOf(part)),
    kill: (part) => {
      if (part !== 'second-agent') return stack.kill(part);
      isExpected = true;
      return second.kill();
    },
    start: async (part) => {
      if (part !== 'second-agent') return stack.start(part);
      await second.start();
      watchSecond();
    },
    nextBroken: () => once(ends, 'broken').then(([part]) => part as Part),
  };
}
