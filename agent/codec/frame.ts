import { createCipheriv, createDecipheriv } from 'node:crypto';
import { fail } from '#core/errors/fail.ts';
import { compressBound, compressInto, decompressInto } from './zstd.ts';
import type { FrameHeader } from './frame-header.ts';
import { frameHeaderBytes, readFrameHeader, writeFrameHeader } from './frame-header.ts';

export { hash128, sha256Hex } from './hash.ts';

const tagBytes = 16;

/**
 * What opens a frame: its place is bound into the authentication tag (AAD = pool, object key, offset; the key names set,
 * attempt and piece), so a frame cannot be moved. Structured-cloneable.
 */
export interface FrameLock {
  /** 32-byte subkey in an encrypted pool, absent in a plain one. */
  readonly key?: Uint8Array;
  readonly pool: string;
  /** Text of the object key. */
  readonly object: string;
  /** Offset of the frame's header in the object. */
  readonly offset: number;
}

/** What seals a frame. (channel, counter) is the nonce: it MUST never repeat under one subkey. */
export interface FrameSeal extends FrameLock {
  /** zstd level 1–22, or 0 to store the bytes as they are. */
  readonly level: number;
  /** 0 – 2^32-1. */
  readonly channel: number;
  readonly counter: number;
  /** Only the last frame of a sealed object sets it. */
  readonly isLast?: boolean;
}

/** Room that sealing `rawBytes` can need. */
export const frameBound = (rawBytes: number): number => frameHeaderBytes + compressBound(rawBytes) + tagBytes;

function nonceOf(header: FrameHeader): Uint8Array {
  const nonce = new Uint8Array(12);
  const view = new DataView(nonce.buffer);
  view.setUint32(0, header.channel, true);
  view.setBigUint64(4, BigInt(header.counter), true);
  return nonce;
}

const aadOf = (header: Uint8Array, lock: FrameLock): Buffer =>
  Buffer.concat([
    header.subarray(0, frameHeaderBytes),
    Buffer.from(`${lock.pool}\n${lock.object}\n${String(lock.offset)}`),
  ]);

/** Encrypts the payload in place and appends its tag. */
function encryptInPlace(frame: Uint8Array, header: FrameHeader, seal: FrameSeal & { readonly key: Uint8Array }): void {
  const cipher = createCipheriv('aes-256-gcm', seal.key, nonceOf(header));
  cipher.setAAD(aadOf(frame, seal));
  const end = frameHeaderBytes + header.payloadBytes - tagBytes;
  frame.set(cipher.update(frame.subarray(frameHeaderBytes, end)), frameHeaderBytes);
  cipher.final();
  frame.set(cipher.getAuthTag(), end);
}

/**
 * Seals raw bytes into `target` (at least `frameBound` bytes) and returns how many it wrote. Bytes that zstd does not
 * shrink are stored as they are. Synchronous; `raw` may be a view on WebAssembly memory.
 */
export function sealFrameInto(target: Uint8Array, raw: Uint8Array, seal: FrameSeal): number {
  const body = target.subarray(frameHeaderBytes);
  const packed = seal.level > 0 && raw.length > 0 ? compressInto(body, raw, seal.level) : raw.length;
  const isCompressed = packed < raw.length;
  if (!isCompressed) body.set(raw);
  const { key } = seal;
  const payloadBytes = (isCompressed ? packed : raw.length) + (key === undefined ? 0 : tagBytes);
  const header: FrameHeader = {
    isCompressed,
    isSealed: key !== undefined,
    isLast: seal.isLast ?? false,
    channel: seal.channel,
    counter: seal.counter,
    rawBytes: raw.length,
    payloadBytes,
  };
  writeFrameHeader(target, header);
  if (key !== undefined) encryptInPlace(target, header, { ...seal, key });
  return frameHeaderBytes + payloadBytes;
}

let scratch = new Uint8Array(0);

/** Seals raw bytes as one stored frame: header, then zstd or the bytes themselves, then with a key AES-256-GCM over that. */
export function sealFrame(raw: Uint8Array, seal: FrameSeal): Uint8Array {
  const bound = frameBound(raw.length);
  if (scratch.length < bound) scratch = new Uint8Array(bound);
  return scratch.slice(0, sealFrameInto(scratch, raw, seal));
}

function decrypt(stored: Uint8Array, header: FrameHeader, lock: FrameLock & { readonly key: Uint8Array }): Uint8Array {
  const end = stored.length - tagBytes;
  if (end < frameHeaderBytes) throw damaged(lock, 'a frame is shorter than its authentication tag');
  const decipher = createDecipheriv('aes-256-gcm', lock.key, nonceOf(header), { authTagLength: tagBytes });
  decipher.setAAD(aadOf(stored, lock));
  decipher.setAuthTag(stored.subarray(end));
  try {
    const plain = decipher.update(stored.subarray(frameHeaderBytes, end));
    decipher.final();
    return plain;
  } catch (cause) {
    throw damaged(lock, `the frame at offset ${String(lock.offset)} is not authentic`, cause);
  }
}

/** What a frame holds, decrypted where it must be. */
function payloadOf(stored: Uint8Array, header: FrameHeader, lock: FrameLock): Uint8Array {
  const { key } = lock;
  if (header.isSealed !== (key !== undefined))
    throw damaged(lock, header.isSealed ? 'an encrypted frame in a plain pool' : 'a plain frame in an encrypted pool');
  return key === undefined ? stored.subarray(frameHeaderBytes) : decrypt(stored, header, { ...lock, key });
}

const damaged = (lock: FrameLock, what: string, cause?: unknown) =>
  fail('object_damaged', { pool: lock.pool, object: lock.object, what }, cause);

/** The place of raw bytes: at the begin of `room` when they fit, else memory of their own. */
const placeFor = (rawBytes: number, room: Uint8Array | undefined): Uint8Array =>
  room !== undefined && rawBytes <= room.length ? room.subarray(0, rawBytes) : Buffer.allocUnsafe(rawBytes);

function unpack(payload: Uint8Array, raw: Uint8Array, lock: FrameLock): Uint8Array {
  let length: number;
  try {
    length = decompressInto(raw, payload);
  } catch (cause) {
    throw damaged(lock, `the frame at offset ${String(lock.offset)} cannot be decompressed`, cause);
  }
  if (length !== raw.length)
    throw damaged(lock, `the frame at offset ${String(lock.offset)} decompresses to a wrong length`);
  return raw;
}

/** A frame and its header, as `openFrameWithHeader` gives it. */
export interface OpenedFrame {
  readonly header: FrameHeader;
  readonly raw: Uint8Array;
}

/**
 * Opens one stored frame (exactly its bytes). An encrypted pool accepts only encrypted frames. The result may share
 * memory with `stored`; with `room` it lies there when it fits, until the room is used again: fresh memory for every
 * frame costs as much as decompressing into it. Throws `object_damaged`, `pool_format_newer`.
 */
export function openFrameWithHeader(stored: Uint8Array, lock: FrameLock, room?: Uint8Array): OpenedFrame {
  const header = readFrameHeader(stored, lock);
  if (stored.length !== frameHeaderBytes + header.payloadBytes)
    throw damaged(lock, 'a frame has another length than its header says');
  const payload = payloadOf(stored, header, lock);
  if (header.isCompressed) return { header, raw: unpack(payload, placeFor(header.rawBytes, room), lock) };
  if (payload.length !== header.rawBytes) throw damaged(lock, 'a frame has another raw length than its header says');
  if (room === undefined || payload.length > room.length) return { header, raw: payload };
  room.set(payload);
  return { header, raw: room.subarray(0, payload.length) };
}

/**
 * Seals a stored frame of a piece for another place without unpacking it: checks and decrypts its payload under `lock` and
 * writes it into `target` (at least as long as `stored` and a tag) as `seal` says, whose level counts for nothing. Returns how
 * many bytes it wrote. The caller has checked the SHA-256 of `stored`: without a key nothing here would notice other bytes.
 * Throws `object_damaged`, `pool_format_newer`.
 */
export function resealFrameInto(target: Uint8Array, stored: Uint8Array, lock: FrameLock, seal: FrameSeal): number {
  const header = readFrameHeader(stored, lock);
  if (stored.length !== frameHeaderBytes + header.payloadBytes)
    throw damaged(lock, 'a frame has another length than its header says');
  const payload = payloadOf(stored, header, lock);
  target.set(payload, frameHeaderBytes);
  const { key, channel, counter } = seal;
  const payloadBytes = payload.length + (key === undefined ? 0 : tagBytes);
  const isSealed = key !== undefined;
  const resealed = { ...header, channel, counter, isSealed, isLast: seal.isLast ?? false, payloadBytes };
  writeFrameHeader(target, resealed);
  if (key !== undefined) encryptInPlace(target, resealed, { ...seal, key });
  return frameHeaderBytes + payloadBytes;
}

/** The raw bytes of one stored frame; see `openFrameWithHeader`. */
export const openFrame = (stored: Uint8Array, lock: FrameLock, room?: Uint8Array): Uint8Array =>
  openFrameWithHeader(stored, lock, room).raw;
