import { fail } from '#core/errors/fail.ts';

/** Layout of docs/format.md §3, little endian: magic, version, flags, 2 zero bytes, channel, counter, raw and payload length. */
export const frameHeaderBytes = 28;
/** Longest raw frame a reader accepts; writers stay at or below 4 MiB. */
export const maxRawFrameBytes = 64 * 1024 * 1024;
export const frameVersion = 1;
/** ASCII "HFFR". */
const magic = 0x52464648;
const flagZstd = 1;
const flagSealed = 2;
const flagLast = 4;

export interface FrameHeader {
  readonly isCompressed: boolean;
  readonly isSealed: boolean;
  /** Set on the last frame of a sealed object, so that cutting frames off is noticed. */
  readonly isLast: boolean;
  readonly channel: number;
  /** Below 2^53; 8 bytes on disk. */
  readonly counter: number;
  readonly rawBytes: number;
  /** What follows the header: the tag of 16 bytes included. */
  readonly payloadBytes: number;
}

/** Writes the header at the start of `target`. */
export function writeFrameHeader(target: Uint8Array, header: FrameHeader): void {
  const view = new DataView(target.buffer, target.byteOffset, frameHeaderBytes);
  view.setUint32(0, magic, true);
  view.setUint8(4, frameVersion);
  view.setUint8(
    5,
    (header.isCompressed ? flagZstd : 0) | (header.isSealed ? flagSealed : 0) | (header.isLast ? flagLast : 0),
  );
  view.setUint16(6, 0, true);
  view.setUint32(8, header.channel, true);
  view.setBigUint64(12, BigInt(header.counter), true);
  view.setUint32(20, header.rawBytes, true);
  view.setUint32(24, header.payloadBytes, true);
}

/** Reads a header. Throws `object_damaged` when it is none, `pool_format_newer` for a later version. `at` names the object. */
export function readFrameHeader(
  stored: Uint8Array,
  at: { readonly pool: string; readonly object: string },
): FrameHeader {
  const damaged = (what: string) => fail('object_damaged', { pool: at.pool, object: at.object, what });
  if (stored.length < frameHeaderBytes) throw damaged('a frame ends inside its header');
  const view = new DataView(stored.buffer, stored.byteOffset, frameHeaderBytes);
  if (view.getUint32(0, true) !== magic) throw damaged('no frame begins where one is recorded');
  const version = view.getUint8(4);
  if (version > frameVersion)
    throw fail('pool_format_newer', { object: at.object, found: String(version), readable: String(frameVersion) });
  const flags = view.getUint8(5);
  const counter = view.getBigUint64(12, true);
  const rawBytes = view.getUint32(20, true);
  const isPossible =
    version > 0 && flags < 8 && view.getUint16(6, true) === 0 && counter <= BigInt(Number.MAX_SAFE_INTEGER);
  if (!isPossible || rawBytes > maxRawFrameBytes) throw damaged('a frame header has impossible values');
  return {
    isCompressed: (flags & flagZstd) !== 0,
    isSealed: (flags & flagSealed) !== 0,
    isLast: (flags & flagLast) !== 0,
    channel: view.getUint32(8, true),
    counter: Number(counter),
    rawBytes,
    payloadBytes: view.getUint32(24, true),
  };
}
