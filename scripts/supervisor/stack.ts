import { EventEmitter, once } from 'node:events';
import { bug, fail } from '#core/errors/fail.ts';
import type { Child } from './child.ts';
import type { PartName, StackOptions, StackPlaces } from './stack-parts.ts';
import { partStarters, startOrder } from './stack-parts.ts';
import { takeStateFile } from './state-file.ts';

/** A running Holdfast on this machine: what is where, and a hand on each process. */
export interface Stack {
  /** Addresses and folders of the parts that were asked for. */
  readonly places: StackPlaces;
  /** The process of a part, for tests and the demo. */
  childOf(part: PartName): Child;
  /** SIGKILL, as a crash. */
  kill(part: PartName): Promise<void>;
  /** Starts a part again after `kill` or an end, on the same addresses. */
  start(part: PartName): Promise<void>;
  /** Resolves with the first part that ended without being asked to. */
  readonly broken: Promise<PartName>;
  /** Resolves with the next such part: each is told once, those that ended while nobody asked, too. */
  nextBroken(): Promise<PartName>;
  /** Stops everything in reverse order. Safe to call twice. */
  close(): Promise<void>;
}

/** Level by level; none begins once the signal has aborted. */
const startLevels = async (options: StackOptions, start: (part: PartName) => Promise<void>): Promise<void> => {
  for (const level of startOrder) {
    if (options.signal?.aborted === true) throw fail('stack_interrupted', { home: options.home });
    const starting = level.filter((part) => options.parts.includes(part)).map(start);
    // Why both: what still starts when a neighbour fails would otherwise start after the others were stopped.
    await Promise.allSettled(starting);
    await Promise.all(starting);
  }
};

interface Ends {
  readonly tell: (part: PartName) => void;
  readonly broken: Promise<PartName>;
  readonly nextBroken: () => Promise<PartName>;
}

/** Parts that ended without being asked to, told to whoever asks, in order, each once. */
function hearEnds(): Ends {
  const ends = new EventEmitter<{ broken: [PartName] }>();
  const unheard: PartName[] = [];
  return {
    tell: (part) => {
      unheard.push(part);
      ends.emit('broken', part);
    },
    broken: once(ends, 'broken').then(([part]) => part as PartName),
    nextBroken: async () => {
      for (;;) {
        const part = unheard.shift();
        if (part !== undefined) return part;
        await once(ends, 'broken');
      }
    },
  };
}

/**
 * Starts parts in dependency order and waits for each to be healthy. When one fails, what was started is stopped and
 * the error is thrown. Throws `stack_interrupted` when the signal of the options aborts meanwhile.
 */
export const openStack = async (options: StackOptions): Promise<Stack> => {
  const state = await takeStateFile(options.home);
  const starters = await partStarters(options);
  const children = new Map<PartName, Child>();
  const expected = new Set<PartName>();
  const { tell, broken, nextBroken } = hearEnds();
  let isOpen = false;
  const isInterrupted = (): boolean => !isOpen && options.signal?.aborted === true;
  const stopStarting = (): void => {
    for (const child of children.values()) void child.stop();
  };
  const start = async (part: PartName): Promise<void> => {
    const child = await starters.start(part, (started) => {
      children.set(part, started);
      state.add(started);
      if (isInterrupted()) void started.stop();
    });
    expected.delete(part);
    void child.ended.then(() => {
      if (children.get(part) === child && !expected.has(part)) tell(part);
    });
  };
  const close = async (): Promise<void> => {
    for (const level of [...startOrder].reverse()) {
      for (const part of level) expected.add(part);
      await Promise.all(level.map(async (part) => children.get(part)?.stop()));
    }
    state.remove();
  };
  const childOf = (part: PartName): Child => {
    const child = children.get(part);
    if (child === undefined) throw bug(`the part ${part} was started`);
    return child;
  };
  options.signal?.addEventListener('abort', stopStarting);
  try {
    await startLevels(options, start);
    isOpen = true;
  } catch (error) {
    await close();
    throw isInterrupted() ? fail('stack_interrupted', { home: options.home }, error) : error;
  } finally {
    options.signal?.removeEventListener('abort', stopStarting);
  }
  return {
    places: starters.places,
    childOf,
    kill: (part) => {
      expected.add(part);
      return childOf(part).kill();
    },
    start,
    broken,
    nextBroken,
    close,
  };
};
