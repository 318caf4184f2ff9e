import { createHash } from 'node:crypto';
import { closeSync, openSync, readSync } from 'node:fs';
import { codeOf } from '#agent/file-system.ts';

/** Segments may be as large as 1 GiB: they are not held for this. */
const pieceBytes = 1_048_576;

/** SHA-256 of the first bytes of a file; undefined when there are not so many, or nobody can read them. */
export function hashOfStart(path: string, length: number): string | undefined {
  let file: number | undefined;
  try {
    file = openSync(path, 'r');
    const hash = createHash('sha256');
    const piece = Buffer.alloc(pieceBytes);
    for (let at = 0; at < length;) {
      const read = readSync(file, piece, 0, Math.min(pieceBytes, length - at), at);
      if (read === 0) return undefined;
      hash.update(piece.subarray(0, read));
      at += read;
    }
    return hash.digest('hex');
  } catch (error) {
    if (codeOf(error) === '') throw error;
    return undefined;
  } finally {
    if (file !== undefined) closeSync(file);
  }
}
