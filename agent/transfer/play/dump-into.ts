import { pipeline } from 'node:stream/promises';
import { fail } from '#core/errors/fail.ts';
import type { Clock } from '#core/ports/clock.ts';
import type { StepContext } from '#core/ports/step.ts';
import { startPiped } from '#agent/exec.ts';
import type { ClientTools } from './client-tools.ts';
import { clientEnvironment } from './client-tools.ts';
import { passThrough } from './pass-through.ts';
import type { DatabaseEnd } from './play-archive.ts';
import { playArchive } from './play-archive.ts';
import { toolFailure } from './tool-words.ts';

interface DumpInto {
  /** The agent's own directory. */
  readonly home: string;
  readonly tools: ClientTools;
  readonly from: DatabaseEnd;
  readonly to: DatabaseEnd;
  /** Arguments of the dump beside its connection: what of the database. */
  readonly args: readonly string[];
  readonly clock: Clock;
  readonly onBytes: (bytes: number) => void;
}

/** What every dump of ours says: subscriptions would begin to receive, and belong to the instance that they are made for. */
const dumpArgs = ['--no-password', '--no-subscriptions', '--quote-all-identifiers', '--format=custom', '--compress=0'];

/**
 * Dumps one database, or part of it, straight into another: nothing is staged on a disk. What the target refuses ends it.
 * Throws `transfer_refused` with the words of the target, `transfer_tool_failed`, `transfer_broken` for what may pass, `cancelled`.
 */
export async function dumpInto(
  { home, tools, from, to, args, clock, onBytes }: DumpInto,
  step: StepContext,
): Promise<void> {
  const stopping = new AbortController();
  const stop = (): void => {
    stopping.abort();
  };
  const signal = AbortSignal.any([step.signal, stopping.signal]);
  const dump = startPiped({
    ...{ command: tools.dump, args: [...dumpArgs, ...args], signal },
    env: clientEnvironment(from.access, from.database),
  });
  dump.stdin.end();
  let broken: { readonly cause: unknown } | undefined;
  const played = await playArchive({ home, tools, to, signal, onRefusal: stop }, async (stdin) => {
    try {
      await pipeline(dump.stdout, passThrough(step, clock, onBytes), stdin);
    } catch (cause) {
      // A tool that ended leaves a dump that writes to nobody.
      broken = { cause };
      stop();
    }
  }).catch((error: unknown) => {
    stop();
    throw error;
  });
  const dumped = await dump.exited;
  if (step.signal.aborted) throw fail('cancelled', { what: 'the transfer' });
  const [refused] = played.refused;
  if (refused !== undefined && !played.isPassing) {
    const { sqlState, message } = refused;
    throw fail('transfer_refused', { database: to.database, sqlState, reason: message });
  }
  if (dumped.exitCode === 0 && played.isThrough && !played.isPassing && broken === undefined) return;
  const ends = [
    { exitCode: dumped.exitCode, words: dumped.stderr },
    { exitCode: played.exitCode, words: played.reason },
  ];
  const { isPassing } = played;
  throw toolFailure({ database: from.database, to: to.database }, ends, { isPassing, cause: broken?.cause });
}
