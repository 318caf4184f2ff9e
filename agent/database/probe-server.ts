import { fail } from '#core/errors/fail.ts';
import { HoldfastError } from '#core/errors/holdfast-error.ts';
import type { EngineProfile } from '#core/engine/profile.ts';
import type { ServerIdentity } from '#core/engine/server-identity.ts';
import type { Spell } from '#core/engine/spelling.ts';
import { asWritten, namesQuery, spellingOf } from '#core/engine/spelling.ts';
import { textOf } from './row.ts';
import type { Row } from './row.ts';

/** What asks a server of which nothing is known yet. */
interface Asking {
  readonly instance: string;
  query(statement: string): Promise<readonly Row[]>;
  queryOne(statement: string): Promise<Row>;
}

/** What was found out about a server at login. */
export interface Probed {
  readonly identity: ServerIdentity;
  readonly spell: Spell;
}

/**
 * Asks a server what it is and which names its catalog has (K-013: by probe, never by a list of versions). Throws what the profile
 * refuses it with, and `engine_unknown` when no catalog answers.
 */
export async function probeServer(session: Asking, profile: EngineProfile): Promise<Probed> {
  const { instance } = session;
  const identity = profile.identify(textOf(await session.queryOne('select version() as version'), 'version'));
  const refuse = (code: NonNullable<ServerIdentity['refusal']>): Error =>
    fail(code, { instance, title: identity.title, engine: profile.title });
  if (identity.refusal !== undefined) throw refuse(identity.refusal);
  if (profile.catalogs.length === 0) return { identity, spell: asWritten };
  for (const catalog of profile.catalogs) {
    const names = await namesIn(session, namesQuery(catalog, profile.catalogs));
    if (names !== undefined) return { identity, spell: spellingOf(names, profile.catalogs) };
  }
  throw refuse('engine_unknown');
}

/** Undefined when the server has no such catalog. */
async function namesIn(session: Asking, query: string): Promise<ReadonlySet<string> | undefined> {
  try {
    return new Set((await session.query(query)).map((row) => textOf(row, 'name')));
  } catch (error) {
    if (error instanceof HoldfastError && error.code === 'query_failed') return undefined;
    throw error;
  }
}
