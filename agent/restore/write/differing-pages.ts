import type { Span } from '#core/format/chain.ts';

/** What is compared at once: the usual page of a database; files of other pages are found to differ in the same places. */
const pageBytes = 8192;

/**
 * Runs of `wanted` in which `found` has other bytes, in whole pages but at the end. `found` undefined: nothing is there and all of it
 * differs.
 */
export function differingRuns(found: Uint8Array | undefined, wanted: Uint8Array): readonly Span[] {
  if (found === undefined) return wanted.length === 0 ? [] : [{ from: 0, length: wanted.length }];
  const runs: Span[] = [];
  for (let from = 0; from < wanted.length; from += pageBytes) {
    const length = Math.min(pageBytes, wanted.length - from);
    if (Buffer.compare(found.subarray(from, from + length), wanted.subarray(from, from + length)) === 0) continue;
    const last = runs[runs.length - 1];
    if (last !== undefined && last.from + last.length === from)
      runs[runs.length - 1] = { from: last.from, length: last.length + length };
    else runs.push({ from, length });
  }
  return runs;
}
