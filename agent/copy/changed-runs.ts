import type { Span } from '#core/format/chain.ts';

/** A stretch that lies in page memory, with what is known of its pages. */
export interface FlaggedStretch {
  /** Offset in the file, a multiple of the page size. */
  readonly from: number;
  readonly length: number;
  readonly pageBytes: number;
  /** One byte a page, 1 = changed. A partial page at the end has none and counts as changed. */
  readonly flags: Uint8Array;
}

/** Neighbouring changed pages as spans of the file, and what lies between them. Both rise and together cover the stretch. */
export function changedRuns(stretch: FlaggedStretch): {
  readonly changed: readonly Span[];
  readonly same: readonly Span[];
} {
  const { from, length, pageBytes, flags } = stretch;
  const changed: Span[] = [];
  const same: Span[] = [];
  const pages = Math.ceil(length / pageBytes);
  let first = 0;
  for (let page = 1; page <= pages; page++) {
    const isChanged = flags[first] !== 0;
    if (page < pages && (flags[page] !== 0) === isChanged) continue;
    const begin = first * pageBytes;
    const span = { from: from + begin, length: Math.min(page * pageBytes, length) - begin };
    (isChanged ? changed : same).push(span);
    first = page;
  }
  return { changed, same };
}
