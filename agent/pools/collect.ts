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

/**
 * The items of a stream. One that brings nothing for `idleMs` while it is waited for is destroyed with `stalled()`; the time that its
 * reader takes does not count.
 */
export async function* itemsOf(
  stream: Readable,
  idleMs: number,
  stalled: () => HoldfastError,
): AsyncGenerator<unknown, void> {
  const waiting = (): NodeJS.Timeout => setTimeout(() => stream.destroy(stalled()), idleMs);
  let timer = waiting();
  try {
    for await (const item of stream) {
      clearTimeout(timer);
      yield item;
      timer = waiting();
    }
  } finally {
    clearTimeout(timer);
  }
}
