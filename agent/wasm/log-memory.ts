import { bug } from '#core/errors/fail.ts';
import type { RecordSums } from '#core/wal/record-sum.ts';
import { sumOfRecord, usualRoomBytes } from '#core/wal/record-sum.ts';
import { logSumBase64 } from './log-sum.generated.js';

/** The layout of log-sum.as: constants, then the room of the reader, then the segments. */
const segmentsAt = 65_536;
const roomAt = segmentsAt - usualRoomBytes;
const pageBytes = 65_536;

interface SumExports {
  readonly recordSum: (from: number, to: number) => number;
}

const isSumExports = (exports: object): exports is SumExports => 'recordSum' in exports;

/** Memory for log segments that threads share: WebAssembly sums up records where they lie, other threads compress them there. */
export interface LogMemory {
  readonly memory: WebAssembly.Memory;
  readonly slotBytes: number;
  readonly slots: number;
}

const slotBytesOf = (bytes: number): number => Math.ceil(bytes / pageBytes) * pageBytes;

/** Memory that so many segments of at most so many bytes need. */
export const logMemoryBytes = (slots: number, bytes: number): number => segmentsAt + slots * slotBytesOf(bytes);

/** Memory of so many bytes, a multiple of 64 KiB; no part of it is touched before it is used. */
export function newLogMemory(bytes: number): WebAssembly.Memory {
  const pages = bytes / pageBytes;
  return new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
}

/** Room for so many segments of at most so many bytes, in memory of at least `logMemoryBytes`. */
export const openLogMemory = (
  slots: number,
  bytes: number,
  memory = newLogMemory(logMemoryBytes(slots, bytes)),
): LogMemory => ({ memory, slotBytes: slotBytesOf(bytes), slots });

/** The room of one segment. */
export const slotOf = ({ memory, slotBytes }: LogMemory, slot: number): Uint8Array =>
  new Uint8Array(memory.buffer, segmentsAt + slot * slotBytes, slotBytes);

/**
 * Sums of records that lie in the memory, long ones about 7 GB/s; those on any other bytes are made by the reference. One
 * reader at a time: there is one room.
 */
export function sumsIn({ memory }: LogMemory): RecordSums {
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(Buffer.from(logSumBase64, 'base64')), {
    env: { memory },
  });
  if (!isSumExports(exports)) throw bug('the summing of log records lacks an export');
  const { recordSum } = exports;
  const { buffer } = memory;
  return {
    room: new Uint8Array(buffer, roomAt, usualRoomBytes),
    sumOf: (view, from, to) =>
      view.buffer === buffer ? recordSum(view.byteOffset + from, view.byteOffset + to) : sumOfRecord(view, from, to),
  };
}
