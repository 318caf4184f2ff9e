import { randomBytes } from 'node:crypto';
import { fail } from '#core/errors/fail.ts';
import { formatVersions } from '#core/format/version.ts';
import { frameHeaderBytes, readFrameHeader } from './frame-header.ts';
import type { FrameLock } from './frame.ts';
import { openFrameWithHeader, sealFrame } from './frame.ts';
import { sha256 } from './hash.ts';
import { subkeyOf } from './keys.ts';

/** Layout of docs/format.md §4: header, frames, SHA-256 of all before it. */
export const objectHeaderBytes = 24;
export const digestBytes = 32;
/** Raw bytes of a frame inside a sealed object. */
export const objectFrameBytes = 4 * 1024 * 1024;
/** ASCII "HFOB". */
const magic = 0x424f4648;
const kindNumbers = {
  ...{ start: 1, meta: 2, 'log-segment': 3, batch: 4, references: 5, mark: 6, truncation: 7 },
  'logical-meta': 8,
} as const;

export type ObjectKind = keyof typeof kindNumbers;

/** What seals and opens one small or streamed object. `key` is the base key of its family; each object salts its own subkey. */
export interface ObjectLock {
  readonly pool: string;
  /** Text of the object key. */
  readonly object: string;
  readonly kind: ObjectKind;
  readonly key?: Uint8Array;
}

const damaged = (lock: ObjectLock, what: string) =>
  fail('object_damaged', { pool: lock.pool, object: lock.object, what });

/** What seals and opens the frame at an offset of the object. */
export function frameLockAt(lock: ObjectLock, salt: Uint8Array, offset: number): FrameLock {
  const place = { pool: lock.pool, object: lock.object, offset };
  return lock.key === undefined ? place : { ...place, key: subkeyOf(lock.key, salt, `holdfast object 1 ${lock.kind}`) };
}

/** Random where a key is salted by it, else zero. */
export const newSalt = (lock: ObjectLock): Uint8Array => (lock.key === undefined ? Buffer.alloc(16) : randomBytes(16));

/** Writes the header of an object to the first `objectHeaderBytes` of `target`. */
export function writeObjectHeader(target: Uint8Array, lock: ObjectLock, salt: Uint8Array): void {
  const header = Buffer.from(target.buffer, target.byteOffset, objectHeaderBytes).fill(0);
  header.writeUInt32LE(magic, 0);
  header.writeUInt8(formatVersions.object.written, 4);
  header.writeUInt8(kindNumbers[lock.kind], 5);
  header.set(salt, 8);
}

function headerOf(lock: ObjectLock, salt: Uint8Array): Uint8Array {
  const header = new Uint8Array(objectHeaderBytes);
  writeObjectHeader(header, lock, salt);
  return header;
}

/** Seals raw parts as they come, each as one frame of at most 64 MiB; memory holds the stored bytes only. `level` is zstd 1–22 or 0. */
export function sealParts(parts: Iterable<Uint8Array>, lock: ObjectLock, level: number): Uint8Array {
  const salt = newSalt(lock);
  const stored: Uint8Array[] = [headerOf(lock, salt)];
  let offset = objectHeaderBytes;
  let counter = 0;
  const add = (raw: Uint8Array, isLast: boolean): void => {
    const frame = sealFrame(raw, { ...frameLockAt(lock, salt, offset), level, channel: 0, counter: counter++, isLast });
    stored.push(frame);
    offset += frame.length;
  };
  let held: Uint8Array | undefined;
  for (const part of parts) {
    if (held !== undefined) add(held, false);
    held = part;
  }
  add(held ?? new Uint8Array(0), true);
  const body = Buffer.concat(stored, offset + digestBytes);
  body.set(sha256(body.subarray(0, offset)), offset);
  return body;
}

function* slices(raw: Uint8Array): Iterable<Uint8Array> {
  for (let at = 0; at < raw.length; at += objectFrameBytes) yield raw.subarray(at, at + objectFrameBytes);
}

/** Seals a body that is in memory. */
export const sealObject = (raw: Uint8Array, lock: ObjectLock, level: number): Uint8Array =>
  sealParts(slices(raw), lock, level);

function checkHeader(stored: Uint8Array, lock: ObjectLock): void {
  if (stored.length < objectHeaderBytes + frameHeaderBytes + digestBytes)
    throw damaged(lock, 'it is shorter than any object');
  const end = stored.length - digestBytes;
  const isWhole = Buffer.compare(sha256(stored.subarray(0, end)), stored.subarray(end)) === 0;
  if (!isWhole) throw damaged(lock, 'its SHA-256 does not match: it was cut or changed');
  const view = Buffer.from(stored.buffer, stored.byteOffset, objectHeaderBytes);
  if (view.readUInt32LE(0) !== magic) throw damaged(lock, 'it is not an object of Holdfast');
  const version = view.readUInt8(4);
  const { written } = formatVersions.object;
  if (version > written)
    throw fail('pool_format_newer', { object: lock.object, found: String(version), readable: String(written) });
  const isRight = view.readUInt8(5) === kindNumbers[lock.kind] && version > 0 && view.readUInt16LE(6) === 0;
  if (!isRight) throw damaged(lock, `it is not a ${lock.kind} object`);
}

/**
 * The raw parts of a sealed object, one frame in memory at a time. The SHA-256 of the whole is checked before the first.
 * Throws `object_damaged`, `pool_format_newer`.
 */
export function* openParts(stored: Uint8Array, lock: ObjectLock): Iterable<Uint8Array> {
  checkHeader(stored, lock);
  const salt = stored.subarray(8, objectHeaderBytes);
  const end = stored.length - digestBytes;
  let offset = objectHeaderBytes;
  for (let counter = 0; ; counter++) {
    const rest = stored.subarray(offset, end);
    const frameBytes = frameHeaderBytes + readFrameHeader(rest, lock).payloadBytes;
    const { header, raw } = openFrameWithHeader(rest.subarray(0, frameBytes), frameLockAt(lock, salt, offset));
    if (header.counter !== counter || header.channel !== 0) throw damaged(lock, 'its frames are not in order');
    offset += frameBytes;
    if (header.isLast !== (offset === end)) throw damaged(lock, 'it does not end with its last frame');
    yield raw;
    if (header.isLast) return;
  }
}

/** The whole raw body of a sealed object. */
export const openObject = (stored: Uint8Array, lock: ObjectLock): Uint8Array =>
  Buffer.concat([...openParts(stored, lock)]);
