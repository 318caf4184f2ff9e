import type { Readable } from 'node:stream';
import type { HoldfastError } from '#core/errors/holdfast-error.ts';

/**
 * All bytes of a stream. A stream that brings nothing for `idleMs` is destroyed with `stalled()`, which closes its
 * connection too: a body may take as long as it moves, and not longer.
 */
export async function collect(stream: Readable, idleMs: number, stalled: () => HoldfastError): Promise<Buffer> {
  const parts: Buffer[] = [];
  const timer = setTimeout(() => stream.destroy(stalled()), idleMs);
  try {
    for await (const part of stream) {
      timer.refresh();
      if (Buffer.isBuffer(part)) parts.push(part);
    }
  } finally {
    clearTimeout(timer);
  }
  return Buffer.concat(parts);
}
