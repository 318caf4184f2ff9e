import { createHash } from 'node:crypto';
import { frameBound, sealFrameInto } from './frame.ts';
import type { ObjectLock } from './sealed-object.ts';
import {
  digestBytes,
  frameLockAt,
  newSalt,
  objectFrameBytes,
  objectHeaderBytes,
  writeObjectHeader,
} from './sealed-object.ts';

/** Room that sealing a body of so many bytes can need. */
export const sealedObjectBound = (rawBytes: number): number =>
  objectHeaderBytes + digestBytes + Math.ceil(Math.max(1, rawBytes) / objectFrameBytes) * frameBound(objectFrameBytes);

/**
 * Seals a body into `target` (at least `sealedObjectBound` bytes): the same object as `sealObject` makes, without memory of
 * its own and read once for both of its hashes. Answers its length and the SHA-256 of the whole in hex.
 */
export function sealObjectInto(
  target: Uint8Array,
  raw: Uint8Array,
  how: { readonly lock: ObjectLock; readonly level: number },
): SealedInto {
  const sealing = sealingInto(target, raw, how);
  for (;;) {
    const step = sealing.next();
    if (step.done === true) return step.value;
  }
}

/** How much of the target is the object, and the SHA-256 of that in hex. */
export interface SealedInto {
  readonly bytes: number;
  readonly sha256: string;
}

/** The same frame by frame; after each it says how many bytes there are. */
export function* sealingInto(
  target: Uint8Array,
  raw: Uint8Array,
  { lock, level }: { readonly lock: ObjectLock; readonly level: number },
): Generator<number, SealedInto, undefined> {
  const salt = newSalt(lock);
  writeObjectHeader(target, lock, salt);
  let offset = objectHeaderBytes;
  const frames = Math.max(1, Math.ceil(raw.length / objectFrameBytes));
  for (let counter = 0; counter < frames; counter++) {
    const part = raw.subarray(counter * objectFrameBytes, (counter + 1) * objectFrameBytes);
    const seal = { ...frameLockAt(lock, salt, offset), level, channel: 0, counter, isLast: counter === frames - 1 };
    offset += sealFrameInto(target.subarray(offset), part, seal);
    yield offset;
  }
  const hash = createHash('sha256').update(target.subarray(0, offset));
  const digest = hash.copy().digest();
  target.set(digest, offset);
  return { bytes: offset + digestBytes, sha256: hash.update(digest).digest('hex') };
}
