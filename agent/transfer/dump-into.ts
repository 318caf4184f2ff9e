import { pipeline } from 'node:stream/promises';
import type { InstanceAccess } from '#core/agent/order.ts';
import { fail } from '#core/errors/fail.ts';
import type { Clock } from '#core/ports/clock.ts';
import type { StepContext } from '#core/ports/step.ts';
import { startPiped } from '#agent/exec.ts';
import type { ClientTools } from './client-tools.ts';
import { clientEnvironment } from './client-tools.ts';
import { passThrough } from './pass-through.ts';

/** One end of a transfer. */
export interface DatabaseEnd {
  readonly access: InstanceAccess;
  readonly database: string;
}

interface DumpInto {
  readonly tools: ClientTools;
  readonly from: DatabaseEnd;
  readonly to: DatabaseEnd;
  /** Arguments of the dump beside its connection: what of the database. */
  readonly args: readonly string[];
  readonly clock: Clock;
  readonly onBytes: (bytes: number) => void;
}

/** What every dump of ours says: subscriptions would begin to receive, and belong to the instance that they are made for. */
const dumpArgs = ['--no-password', '--no-subscriptions', '--quote-all-identifiers'];
/** No start-up file, quiet, the first error ends it and comes with its SQLSTATE. */
const shellArgs = ['-X', '-q', '-w', '-v', 'ON_ERROR_STOP=1', '-v', 'VERBOSITY=verbose', '-f', '-'];

/**
 * Dumps one database, or part of it, straight into another: nothing is staged on a disk. What the target refuses ends it.
 * Throws `transfer_refused` with the words of the target, `transfer_broken`, `cancelled`.
 */
export async function dumpInto({ tools, from, to, args, clock, onBytes }: DumpInto, step: StepContext): Promise<void> {
  const stopping = new AbortController();
  const signal = AbortSignal.any([step.signal, stopping.signal]);
  const dump = startPiped({
    ...{ command: tools.dump, args: [...dumpArgs, ...args], signal },
    env: clientEnvironment(from.access, from.database),
  });
  const shell = startPiped({
    ...{ command: tools.shell, args: shellArgs, signal },
    // Words that are read here come in one language.
    env: { ...clientEnvironment(to.access, to.database), PGOPTIONS: '-c lc_messages=C' },
  });
  dump.stdin.end();
  shell.stdout.resume();
  const carried = await pipeline(dump.stdout, passThrough(step, clock, onBytes), shell.stdin).then(
    () => undefined,
    (error: unknown) => error,
  );
  // A shell that ended leaves a dump that writes to nobody.
  if (carried !== undefined) stopping.abort();
  const [dumped, applied] = await Promise.all([dump.exited, shell.exited]);
  if (step.signal.aborted) throw fail('cancelled', { what: 'the transfer' });
  const words = refusalOf(applied.stderr);
  if (words !== undefined) throw fail('transfer_refused', { database: to.database, ...words });
  if (dumped.exitCode !== 0 || applied.exitCode !== 0 || carried !== undefined)
    throw fail(
      'transfer_broken',
      {
        database: from.database,
        to: to.database,
        reason: lastLines(dumped.stderr) || lastLines(applied.stderr) || String(carried),
      },
      carried,
    );
}

/** Codes of a server that stops or is full of sessions: waiting helps, the same transfer may succeed later. */
const passing = /^(57P|08|53300)/;

/** `psql:<stdin>:42: ERROR:  42P07: relation "a" already exists` (psql with VERBOSITY=verbose). */
function refusalOf(stderr: string): { readonly sqlState: string; readonly reason: string } | undefined {
  const [, sqlState, reason] = /: +\S+: +([0-9A-Z]{5}): ([^\n]*)/.exec(stderr) ?? [];
  if (sqlState === undefined || reason === undefined || passing.test(sqlState)) return undefined;
  const detail = /DETAIL:\s+([^\n]*)/.exec(stderr)?.[1];
  return { sqlState, reason: detail === undefined ? reason : `${reason} (${detail})` };
}

const lastLines = (text: string): string => text.trim().split('\n').slice(-3).join('; ').slice(0, 600);
