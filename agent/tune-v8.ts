import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/**
 * What is asked of V8 for an agent, whose bytes pass through native code and WebAssembly, which none of this touches (figures in
 * docs/benchmarks.md).
 */
export const flagsOfAgent = [
  /**
   * Bytes of bytecode that a function runs before V8 asks itself whether to compile it for speed: eight times the usual. Of a run of one
   * second the usual budget spends a fifth of all processor time on compiling JavaScript in each thread anew, and most of it is
   * over before that pays. Longer runs lose nothing that can be told from noise.
   */
  '--interrupt-budget=1056000',
  /**
   * The heap grows by at most so much of what lives in it before it is collected. By itself V8 lets it become several times as large
   * while a run of many files makes short-lived objects: a backup of 201 000 files had 90 MiB alive and 250 on the heap.
   */
  '--heap-growing-percent=20',
] as const;

/** In this thread and those that it starts from now on. */
export function tuneV8(): void {
  for (const flag of flagsOfAgent) setFlagsFromString(flag);
}

/**
 * Collects garbage now; what that frees goes back to the system within milliseconds. Why: V8 does not count memory that threads share as its own, and sees no reason to give it back; for who
 * lets go of a hundred MiB of it the 20 milliseconds are well spent.
 */
export function collectGarbage(): void {
  setFlagsFromString('--expose-gc');
  // A context that was made since has it, whenever the flag was set.
  const collect: unknown = runInNewContext('gc');
  if (isCollector(collect)) collect();
}

const isCollector = (value: unknown): value is () => void => typeof value === 'function';
