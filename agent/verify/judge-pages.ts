import type { Span } from '#core/format/chain.ts';
import type { PageMemory } from '#agent/wasm/page-memory.ts';
import { extentBytes } from '#agent/wasm/page-memory.ts';
import type { PageRules, PagesOfExtent } from './check.ts';

export interface JudgedPages {
  readonly pages: number;
  /** Blocks, counted within the file, whose checksum is wrong although source and log say nothing of it. */
  readonly bad: readonly number[];
}

/** pd_lsn: two 32-bit words, the high one first (PostgreSQL bufpage.h PageXLogRecPtr). */
function pageLsnAt(page: Uint8Array): number {
  const view = new DataView(page.buffer, page.byteOffset, 8);
  return view.getUint32(0, true) * 4_294_967_296 + view.getUint32(4, true);
}

/**
 * Judges the whole pages of an extent by their checksums. A page that was torn while it was copied is right when its LSN
 * lies between begin and end of the backup, because the log brings it back (K-047). A part of a page at the end of a file has
 * no checksum.
 */
export function judgePages(memory: PageMemory, raw: Uint8Array, of: PagesOfExtent & PageRules): JudgedPages {
  const { pageBytes, beginAt, endAt } = of;
  const bad: number[] = [];
  let pages = 0;
  for (const { from, length } of wholePages(raw, of)) {
    const bytes = raw.subarray(from, from + length);
    const first = (of.at + from) / pageBytes;
    pages += length / pageBytes;
    for (const page of badPages(memory, bytes, { pageBytes, firstBlock: of.firstBlock + first })) {
      const lsnAt = pageLsnAt(bytes.subarray(page * pageBytes));
      const isTorn = lsnAt >= beginAt && lsnAt <= endAt;
      if (!isTorn && !of.known.includes(first + page)) bad.push(first + page);
    }
  }
  return { pages, bad };
}

/** What of an extent is wanted, in whole pages, in runs that fit into the memory. */
function* wholePages(raw: Uint8Array, { at, spans, pageBytes }: PagesOfExtent & PageRules): Generator<Span> {
  for (const { from, length } of spans ?? [{ from: 0, length: raw.length }]) {
    const begin = Math.ceil((at + from) / pageBytes) * pageBytes - at;
    for (let next = begin; next + pageBytes <= from + length; next += extentBytes) {
      const room = Math.min(from + length - next, extentBytes);
      yield { from: next, length: room - (room % pageBytes) };
    }
  }
}

interface Numbering {
  readonly pageBytes: number;
  readonly firstBlock: number;
}

/** Indices of bad pages: in place where the bytes lie in the memory, else by a copy. */
function badPages(room: PageMemory, bytes: Uint8Array, { pageBytes, firstBlock }: Numbering): readonly number[] {
  const isInPlace = bytes.buffer === room.bytes.buffer;
  if (!isInPlace) room.bytes.set(bytes);
  const from = isInPlace ? bytes.byteOffset - room.bytes.byteOffset : 0;
  return room.badPages(from, bytes.length / pageBytes, firstBlock);
}
