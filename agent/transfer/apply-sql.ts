import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { fail } from '#core/errors/fail.ts';
import type { FailedStatement } from '#core/transfer/report.ts';
import { failedStatements } from '#core/transfer/failed-statements.ts';
import { startPiped } from '#agent/exec.ts';
import { clientEnvironment } from './client-tools.ts';
import type { DatabaseEnd } from './dump-into.ts';
import { passThrough } from './pass-through.ts';
import type { TransferWork } from './transfer-work.ts';

/** No start-up file, quiet; a failed statement comes with its SQLSTATE and its text, and the next one is tried. */
const shellArgs = ['-X', '-q', '-w', '-b', '-v', 'VERBOSITY=verbose', '-f', '-'];

/**
 * Plays an archive of the dump tool into a database: the restore tool turns it into SQL, the shell sends that. What the server refuses is
 * answered, in order; everything else is played nevertheless. Throws `transfer_broken`, `cancelled`, what the archive throws.
 */
export async function applyArchive(
  { tools, clock, step, tally }: TransferWork,
  archive: AsyncIterable<Uint8Array>,
  to: DatabaseEnd,
): Promise<readonly FailedStatement[]> {
  const stopping = new AbortController();
  const signal = AbortSignal.any([step.signal, stopping.signal]);
  const reader = startPiped({ command: tools.restore, args: ['-f', '-'], signal });
  const shell = startPiped({
    ...{ command: tools.shell, args: shellArgs, signal },
    env: { ...clientEnvironment(to.access, to.database), PGOPTIONS: '-c lc_messages=C' },
  });
  shell.stdout.resume();
  const counted = passThrough(step, clock, (bytes) => {
    tally.addBytes(bytes);
  });
  const [fed, carried] = await Promise.allSettled([
    pipeline(Readable.from(copied(archive)), counted, reader.stdin),
    pipeline(reader.stdout, shell.stdin),
  ]);
  const broken = [fed, carried].find((one) => one.status === 'rejected');
  if (broken !== undefined) stopping.abort();
  const [read, applied] = await Promise.all([reader.exited, shell.exited]);
  if (step.signal.aborted) throw fail('cancelled', { what: 'the transfer' });
  if (fed.status === 'rejected' && read.exitCode === 0) throw fed.reason;
  if (read.exitCode !== 0 || applied.exitCode !== 0 || broken !== undefined) {
    const reason = `${read.stderr} ${applied.stderr}`.trim().slice(-400) || String(broken?.reason);
    throw fail('transfer_broken', { database: 'a logical set', to: to.database, reason }, broken?.reason);
  }
  return failedStatements(applied.stderr);
}

/** Parts of a stream are valid until the next is asked for; the pipe reads ahead. */
async function* copied(parts: AsyncIterable<Uint8Array>): AsyncIterable<Buffer> {
  for await (const part of parts) yield Buffer.from(part);
}
