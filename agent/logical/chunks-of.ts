import type { Readable } from 'node:stream';
import { bug } from '#core/errors/fail.ts';

/** What a stream of bytes gives, piece by piece. A reader that stops early destroys the stream. */
export async function* chunksOf(stream: Readable): AsyncIterable<Uint8Array> {
  const chunks: AsyncIterable<unknown> = stream;
  for await (const chunk of chunks) {
    if (!(chunk instanceof Uint8Array)) throw bug('a stream of bytes gave something else');
    yield chunk;
  }
}
