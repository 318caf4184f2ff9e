import { bug } from '#core/errors/fail.ts';
import { pageScanBase64 } from './page-scan.generated.js';

/** Largest extent that fits: the layout is fixed by build.mjs. */
export const extentBytes = 1_048_576;
const ioAt = 65_536;
const flagsAt = ioAt + extentBytes;

interface ScanExports {
  readonly memory: WebAssembly.Memory;
  readonly isZero: (at: number, length: number) => number;
  readonly scan: (at: number, pages: number, firstBlock: number, pageBytes: number) => number;
}

function isScanExports(exports: object): exports is ScanExports {
  return (
    'memory' in exports && exports.memory instanceof WebAssembly.Memory && 'isZero' in exports && 'scan' in exports
  );
}

/**
 * One extent of input in WebAssembly memory. The memory is page aligned, which makes `readSync` several times faster than
 * into an ordinary buffer (engine.md §C), and page checksums are computed in place. One per thread; never grown.
 */
export interface PageMemory {
  /** The 1 MiB into which files are read. */
  readonly bytes: Uint8Array;
  /** True when the bytes `[from, from + length)` are all zero. */
  isZero(from: number, length: number): boolean;
  /**
   * Indices (from 0) of pages with a wrong checksum among `pages` pages that begin at byte `from`; the first page has
   * number `firstBlock` in its relation. A page with pd_upper 0 must be all zero (PostgreSQL `PageIsVerified`).
   */
  badPages(from: number, pages: number, firstBlock: number): readonly number[];
}

const module = new WebAssembly.Module(Buffer.from(pageScanBase64, 'base64'));

/** `pageBytes` is the block size of the cluster, a power of two of 1–32 KiB. */
export function openPageMemory(pageBytes: number): PageMemory {
  const { exports } = new WebAssembly.Instance(module);
  if (!isScanExports(exports)) throw bug('the page scanner lacks an export');
  const { memory, isZero, scan } = exports;
  const bytes = new Uint8Array(memory.buffer, ioAt, extentBytes);
  const flags = new Uint8Array(memory.buffer, flagsAt, 65_536);
  return {
    bytes,
    isZero: (from, length) => isZero(ioAt + from, length) !== 0,
    badPages(from, pages, firstBlock) {
      if (scan(ioAt + from, pages, firstBlock, pageBytes) === 0) return [];
      return Array.from(flags.subarray(0, pages).keys()).filter((page) => flags[page] === 1);
    },
  };
}
