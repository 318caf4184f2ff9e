import { setTimeout as pause } from 'node:timers/promises';
import type { PageMemory } from '#agent/wasm/page-memory.ts';
import { readFully } from './source-reader.ts';

/** How often a bad page is read again, and how long the writer gets in between, before its LSN decides. */
const rereads = 5;
const rereadAfterMs = 20;

/** A stretch of one relation file that lies in page memory. */
export interface PageStretch {
  readonly fd: number;
  readonly path: string;
  /** Offset in page memory; in the file; and how many bytes there are (a partial last page is not checked). */
  readonly at: number;
  readonly from: number;
  readonly length: number;
  /** Block number of the first page of the file. */
  readonly firstBlock: number;
}

export interface PageRules {
  readonly pageBytes: number;
  /** Byte position of the begin LSN. */
  readonly beginAt: number;
}

/** Pages that stay bad. Blocks count within the file. */
export interface PageFindings {
  readonly damagedBlocks: readonly number[];
  readonly torn: readonly { readonly block: number; readonly lsnAt: number }[];
}

const none: PageFindings = { damagedBlocks: [], torn: [] };

/** pd_lsn: two 32-bit words, the high one first (PostgreSQL bufpage.h PageXLogRecPtr). */
function pageLsnAt(memory: PageMemory, at: number): number {
  const view = new DataView(memory.bytes.buffer, memory.bytes.byteOffset + at, 8);
  return view.getUint32(0, true) * 4294967296 + view.getUint32(4, true);
}

/** Reads one page again until its checksum matches; false when it never does. Leaves the last reading in memory. */
async function settles(memory: PageMemory, stretch: PageStretch, page: number, rules: PageRules): Promise<boolean> {
  const { pageBytes } = rules;
  const at = stretch.at + page * pageBytes;
  const target = memory.bytes.subarray(at, at + pageBytes);
  const block = stretch.firstBlock + stretch.from / pageBytes + page;
  for (let attempt = 0; attempt < rereads; attempt++) {
    const before = target.slice();
    await pause(rereadAfterMs);
    const got = readFully(stretch, target, stretch.from + page * pageBytes);
    // The file was truncated meanwhile: keep what was read; the log replays the truncation.
    if (got < pageBytes) {
      target.set(before);
      return true;
    }
    if (memory.badPages(at, 1, block).length === 0) return true;
  }
  return false;
}

/**
 * Verifies the page checksums of a stretch in place. A bad page is read again up to five times, because the server may be
 * writing it; one that stays bad is torn when its LSN lies at or after the begin LSN (the log holds its full image) and
 * damaged otherwise (peers.md §5; K-047).
 */
export async function verifyPages(memory: PageMemory, stretch: PageStretch, rules: PageRules): Promise<PageFindings> {
  const pages = Math.floor(stretch.length / rules.pageBytes);
  const firstPage = stretch.from / rules.pageBytes;
  const bad = memory.badPages(stretch.at, pages, stretch.firstBlock + firstPage);
  if (bad.length === 0) return none;
  const damagedBlocks: number[] = [];
  const torn: { block: number; lsnAt: number }[] = [];
  for (const page of bad) {
    if (await settles(memory, stretch, page, rules)) continue;
    const lsnAt = pageLsnAt(memory, stretch.at + page * rules.pageBytes);
    if (lsnAt >= rules.beginAt) torn.push({ block: firstPage + page, lsnAt });
    else damagedBlocks.push(firstPage + page);
  }
  return { damagedBlocks, torn };
}
