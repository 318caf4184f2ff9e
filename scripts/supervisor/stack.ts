import { bug } from '#core/errors/fail.ts';
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
  /** Stops everything in reverse order. Safe to call twice. */
  close(): Promise<void>;
}

/**
 * Starts parts in dependency order and waits for each to be healthy. When one fails, what was started is stopped and
 * the error is thrown.
 */
export const openStack = async (options: StackOptions): Promise<Stack> => {
  const state = await takeStateFile(options.home);
  const starters = await partStarters(options);
  const children = new Map<PartName, Child>();
  const expected = new Set<PartName>();
  let report: (part: PartName) => void = () => undefined;
  const broken = new Promise<PartName>((resolve) => {
    report = resolve;
  });
  const start = async (part: PartName): Promise<void> => {
    const child = await starters.start(part, (started) => {
      state.add(started);
    });
    children.set(part, child);
    expected.delete(part);
    void child.ended.then(() => {
      if (children.get(part) === child && !expected.has(part)) report(part);
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
  try {
    for (const level of startOrder) {
      await Promise.all(level.filter((part) => options.parts.includes(part)).map(start));
    }
  } catch (error) {
    await close();
    throw error;
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
    close,
  };
};
