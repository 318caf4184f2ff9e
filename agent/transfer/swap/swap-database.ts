import { setTimeout as pause } from 'node:timers/promises';
import { fail } from '#core/errors/fail.ts';
import { HoldfastError } from '#core/errors/holdfast-error.ts';
import { quoted } from '#core/transfer/names.ts';
import type { Session } from '#agent/database/session.ts';
import type { Target } from '#agent/transfer/target.ts';
import { endSessions } from '#agent/transfer/target.ts';

interface Rename {
  readonly from: string;
  readonly to: string;
}

interface Renaming {
  readonly endsSessions: boolean;
  /** In the transaction, before the first rename. */
  readonly before?: (session: Session) => Promise<void>;
  /** In the transaction, after the last one: what it throws undoes all. */
  readonly proof: (session: Session) => Promise<void>;
}

const endEveryMs = 200;

/**
 * Renames databases in one transaction: all of them or none, and nobody sees a moment between (PG manual "ALTER DATABASE").
 * The server waits for sessions in them for five seconds, while nobody new gets in; with `endsSessions` they are ended
 * meanwhile. Throws `transfer_swap_refused`, `session_lost`.
 */
export async function renameDatabases(
  target: Target,
  renames: readonly Rename[],
  { endsSessions, before, proof }: Renaming,
): Promise<void> {
  const { session } = target;
  // Another session for what ends sessions: ours waits inside the rename.
  const ender = endsSessions ? await target.open('template1') : undefined;
  try {
    await session.query('begin');
    try {
      await before?.(session);
      for (const { from, to } of renames) await renameOne(session, { from, to }, ender);
      await proof(session);
      await session.query('commit');
    } catch (error) {
      if (!session.lost.aborted) await session.query('rollback');
      throw refusal(renames, error);
    }
  } finally {
    await ender?.close();
  }
}

async function renameOne(session: Session, { from, to }: Rename, ender: Session | undefined): Promise<void> {
  const renaming = { isOver: false };
  // Settled, with a handler from the first instant: a failure while the rename waits must not end the agent.
  const ending = Promise.allSettled(ender === undefined ? [] : [keepEnding(ender, from, renaming)]);
  try {
    await session.query(`alter database ${quoted(from)} rename to ${quoted(to)}`);
  } finally {
    renaming.isOver = true;
    await ending;
  }
  for (const one of await ending) if (one.status === 'rejected') throw one.reason;
}

/** The rename locks the name first: whoever is ended while it waits cannot come back. */
async function keepEnding(ender: Session, database: string, renaming: { readonly isOver: boolean }): Promise<void> {
  while (!renaming.isOver) {
    await endSessions(ender, database);
    await pause(endEveryMs);
  }
}

function refusal(renames: readonly Rename[], error: unknown): unknown {
  const isRefused = error instanceof HoldfastError && error.code === 'query_failed';
  if (!isRefused) return error;
  const names = renames.map(({ from }) => from).join(', ');
  return fail('transfer_swap_refused', { name: names, reason: error.params['reason'] ?? error.message }, error);
}
