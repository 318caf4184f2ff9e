import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { fail } from '#core/errors/fail.ts';
import { HoldfastError } from '#core/errors/holdfast-error.ts';
import type { FailedStatement } from '#core/transfer/report.ts';
import { passThrough } from './pass-through.ts';
import type { DatabaseEnd } from './play-archive.ts';
import { playArchive } from './play-archive.ts';
import { toolFailure } from './tool-words.ts';
import type { TransferWork } from '#agent/transfer/transfer-work.ts';

/**
 * Plays an archive of the dump tool into a database. What the server refuses is answered, in order; everything else is played
 * nevertheless. Throws `transfer_refused`, `transfer_tool_failed`, `transfer_broken`, `cancelled`, what the archive throws.
 */
export async function applyArchive(
  { home, tools, clock, step, tally }: TransferWork,
  archive: AsyncIterable<Uint8Array>,
  to: DatabaseEnd,
): Promise<readonly FailedStatement[]> {
  const stopping = new AbortController();
  const signal = AbortSignal.any([step.signal, stopping.signal]);
  let broken: { readonly cause: unknown } | undefined;
  const counted = passThrough(step, clock, (bytes) => {
    tally.addBytes(bytes);
  });
  const played = await playArchive({ home, tools, to, signal, onRefusal: () => undefined }, async (stdin) => {
    try {
      await pipeline(Readable.from(copied(archive)), counted, stdin);
    } catch (cause) {
      broken = { cause };
      stopping.abort();
    }
  });
  if (step.signal.aborted) throw fail('cancelled', { what: 'the transfer' });
  const { isThrough, refused, isPassing, exitCode, reason } = played;
  if (isThrough && !isPassing && broken === undefined) return refused;
  const last = refused.at(-1);
  // What the archive throws; a tool that ends before its archive breaks the pipe, and says why by itself.
  if (broken?.cause instanceof HoldfastError) throw broken.cause;
  if (!isPassing && last !== undefined)
    throw fail('transfer_refused', { database: to.database, sqlState: last.sqlState, reason: last.message });
  const places = { database: 'a logical set', to: to.database };
  throw toolFailure(places, [{ exitCode, words: reason }], { isPassing, cause: broken?.cause });
}

/** Parts of a stream are valid until the next is asked for; the pipe reads ahead. */
async function* copied(parts: AsyncIterable<Uint8Array>): AsyncIterable<Buffer> {
  for await (const part of parts) yield Buffer.from(part);
}
