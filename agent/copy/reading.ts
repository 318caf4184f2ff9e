import { extentBytes } from '#agent/wasm/page-memory.ts';
import type { BlockRange } from '#core/changed/changed-pages.ts';
import type { Span } from '#core/format/chain.ts';
import { lsnToNumber } from '#core/wal/lsn.ts';
import type { BaseFiles, SourceFile } from './copy-request.ts';
import type { KnownSpan } from './threads/thread-message.ts';

/** What is read of one file. `all` and `scan` read every byte, `spans` only these; the rest of the file is the base's. */
export type Reading =
  | { readonly kind: 'all'; readonly hasBase: boolean }
  | { readonly kind: 'scan'; readonly since: number; readonly baseBytes: number }
  | { readonly kind: 'spans'; readonly spans: readonly Span[]; readonly based: readonly Span[] };

const all: Reading = { kind: 'all', hasBase: false };
const allBeside: Reading = { kind: 'all', hasBase: true };

/**
 * Turns what a source of changed pages says into what is read (engine.md §A rules 3–6). Whatever the source says, nothing is
 * taken from a base that has no such file, no such bytes, or recorded damage in it.
 */
export function readingOf(source: SourceFile, base: BaseFiles | undefined, pageBytes: number): Reading {
  const { changed, path, sizeBytes } = source;
  const baseBytes = base?.sizeOf(path);
  if (changed === undefined || base === undefined || baseBytes === undefined) return all;
  if (base.isDamaged(path)) return all;
  switch (changed.kind) {
    case 'whole':
    case 'by-hash':
      return allBeside;
    case 'by-lsn':
      // Pages above the insert position lie above `since` as well: one comparison finds both.
      return { kind: 'scan', since: lsnToNumber(changed.since), baseBytes };
    case 'blocks':
      return spansOf(rangesIn(changed.ranges, { sizeBytes, baseBytes, pageBytes }), sizeBytes);
  }
}

export const bytesToRead = (reading: Reading, sizeBytes: number): number =>
  reading.kind === 'spans' ? reading.spans.reduce((sum, { length }) => sum + length, 0) : sizeBytes;

interface Sizes {
  readonly sizeBytes: number;
  readonly baseBytes: number;
  readonly pageBytes: number;
}

/** Listed blocks and everything behind the end of the base, as rising ranges of bytes that do not touch each other. */
function rangesIn(listed: readonly BlockRange[], { sizeBytes, baseBytes, pageBytes }: Sizes): readonly BlockRange[] {
  const beyond = { from: Math.floor(baseBytes / pageBytes) * pageBytes, to: sizeBytes };
  const ranges = [...listed.map(({ from, to }) => ({ from: from * pageBytes, to: to * pageBytes })), beyond]
    .map(({ from, to }) => ({ from, to: Math.min(to, sizeBytes) }))
    .filter(({ from, to }) => from < to)
    .sort((a, b) => a.from - b.from);
  const joined: { from: number; to: number }[] = [];
  for (const { from, to } of ranges) {
    const last = joined[joined.length - 1];
    if (last !== undefined && from <= last.to) last.to = Math.max(last.to, to);
    else joined.push({ from, to });
  }
  return joined;
}

/** Cuts ranges where extents begin, so that each is at most one extent, and names what lies between them. */
function spansOf(ranges: readonly BlockRange[], sizeBytes: number): Reading {
  const spans: Span[] = [];
  const based: Span[] = [];
  let at = 0;
  for (const { from, to } of [...ranges, { from: sizeBytes, to: sizeBytes }]) {
    if (from > at) based.push({ from: at, length: from - at });
    for (at = from; at < to;) {
      const end = Math.min(to, (Math.floor(at / extentBytes) + 1) * extentBytes);
      spans.push({ from: at, length: end - at });
      at = end;
    }
  }
  return { kind: 'spans', spans, based };
}

/** First of rising spans that begins at or after `from`. */
function firstAt(known: readonly KnownSpan[], from: number): number {
  let [low, high] = [0, known.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((known[middle]?.from ?? 0) < from) low = middle + 1;
    else high = middle;
  }
  return low;
}

/**
 * Cuts bytes that are to be stored where acknowledged extents lie, so that what the pool holds is not sent again although
 * more has changed around it since. `known` rises.
 */
export function cutAtKnown(span: Span, known: readonly KnownSpan[]): readonly (Span & { readonly known: string })[] {
  const parts: (Span & { known: string })[] = [];
  const end = span.from + span.length;
  let at = span.from;
  for (let i = firstAt(known, at); i < known.length; i++) {
    const { from, length, hash } = known[i] ?? { from: end, length: 1, hash: '' };
    if (from >= end) break;
    if (from < at || from + length > end) continue;
    if (from > at) parts.push({ from: at, length: from - at, known: '' });
    parts.push({ from, length, known: hash });
    at = from + length;
  }
  if (at < end) parts.push({ from: at, length: end - at, known: '' });
  return parts;
}
