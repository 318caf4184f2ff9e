import { hash128 } from '#agent/codec/hash.ts';
import { bug } from '#core/errors/fail.ts';
import { crc32cOver } from '#core/wal/crc32c.ts';
import { pageScanBase64 } from './page-scan.generated.js';

/** Largest extent that fits: the layout is fixed by build.mjs. */
export const extentBytes = 1_048_576;
const ioAt = 65_536;
const alignment = 4096;
const flagsAt = ioAt + extentBytes;

interface ScanExports {
  readonly memory: WebAssembly.Memory;
  readonly hash: (at: number, length: number) => void;
  readonly isZero: (at: number, length: number) => number;
  readonly scan: (at: number, pages: number, firstBlock: number, pageBytes: number) => number;
  readonly newer: (at: number, pages: number, pageBytes: number, since: bigint) => number;
  readonly crc: (at: number, length: number) => number;
}

function isScanExports(exports: object): exports is ScanExports {
  const hasMemory = 'memory' in exports && exports.memory instanceof WebAssembly.Memory;
  return hasMemory && ['hash', 'isZero', 'scan', 'newer', 'crc'].every((name) => name in exports);
}

/**
 * One extent of input in WebAssembly memory. The memory is page aligned, which makes `readSync` several times faster than
 * into an ordinary buffer (engine.md §C), and page checksums are computed in place. One per thread; never grown.
 */
export interface PageMemory {
  /** The 1 MiB into which files are read. */
  readonly bytes: Uint8Array;
  /**
   * 128-bit XXH3 (seed 0) of the bytes `[from, from + length)` as 32 hex digits: the same as `hash128` of agent/codec,
   * several times faster because the bytes are in place and SIMD is used.
   */
  hash(from: number, length: number): string;
  /** The same of a view: in place when it is a part of `bytes`, by the library when it lies elsewhere. */
  readonly hashOf: (view: Uint8Array) => string;
  /**
   * CRC-32C of a view, begun with 0 and not complemented (core/restore/crc-sum.ts): in place when it is a part of `bytes`,
   * by tables when it lies elsewhere.
   */
  readonly crcOf: (view: Uint8Array) => number;
  /** True when a view lies in this memory at a multiple of 4096 bytes, as direct access to files wants it. */
  readonly isAligned: (view: Uint8Array) => boolean;
  /** True when the bytes `[from, from + length)` are all zero. */
  isZero(from: number, length: number): boolean;
  /**
   * Indices (from 0) of pages with a wrong checksum among `pages` pages that begin at byte `from`; the first page has
   * number `firstBlock` in its relation. A page with pd_upper 0 must be all zero (PostgreSQL `PageIsVerified`).
   */
  badPages(from: number, pages: number, firstBlock: number): readonly number[];
  /**
   * One byte for each of `pages` pages from byte `from`: 1 where a copy that is right up to the log position `since` (a byte
   * position) may have another page, by pd_lsn; pages without LSN, never initialised or all zero count (engine.md §I).
   */
  newerPages(from: number, pages: number, since: number): Uint8Array;
}

/** XXH3 treats inputs up to this length in other ways: those go to the library. */
const longestShortInput = 240;
const crcByTables = (view: Uint8Array): number =>
  crc32cOver(0, new DataView(view.buffer, view.byteOffset, view.byteLength), 0, view.byteLength) >>> 0;
const hex64 = (value: bigint): string => value.toString(16).padStart(16, '0');

const module = new WebAssembly.Module(Buffer.from(pageScanBase64, 'base64'));

/** 1 MiB that begins at a multiple of 4096, as direct access to files wants it. */
export const alignedMemory = (): Uint8Array =>
  new Uint8Array(new WebAssembly.Memory({ initial: 16, maximum: 16 }).buffer);

/** `pageBytes` is the block size of the cluster, a power of two of 1–32 KiB. */
export function openPageMemory(pageBytes: number): PageMemory {
  const { exports } = new WebAssembly.Instance(module);
  if (!isScanExports(exports)) throw bug('the page scanner lacks an export');
  const { memory, hash, isZero, scan, newer, crc } = exports;
  const bytes = new Uint8Array(memory.buffer, ioAt, extentBytes);
  const flags = new Uint8Array(memory.buffer, flagsAt, 65_536);
  const answer = new DataView(memory.buffer, flagsAt, 16);
  const hashAt = (from: number, length: number): string => {
    if (length <= longestShortInput) return hash128(bytes.subarray(from, from + length));
    hash(ioAt + from, length);
    return hex64(answer.getBigUint64(0, true)) + hex64(answer.getBigUint64(8, true));
  };
  return {
    bytes,
    hash: hashAt,
    hashOf: (view) =>
      view.buffer === bytes.buffer ? hashAt(view.byteOffset - bytes.byteOffset, view.length) : hash128(view),
    crcOf: (view) =>
      view.buffer === bytes.buffer
        ? crc(ioAt + view.byteOffset - bytes.byteOffset, view.length) >>> 0
        : crcByTables(view),
    isAligned: (view) => view.buffer === bytes.buffer && view.byteOffset % alignment === 0,
    isZero: (from, length) => isZero(ioAt + from, length) !== 0,
    badPages(from, pages, firstBlock) {
      if (scan(ioAt + from, pages, firstBlock, pageBytes) === 0) return [];
      return Array.from(flags.subarray(0, pages).keys()).filter((page) => flags[page] === 1);
    },
    newerPages(from, pages, since) {
      newer(ioAt + from, pages, pageBytes, BigInt(since));
      return flags.slice(0, pages);
    },
  };
}
