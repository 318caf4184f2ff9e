import { z } from 'zod';
import type { RunId } from '#core/id.ts';
import type { Database } from './database.ts';

/** Who repeats what: a key is only the same within one principal, method and path. */
export interface IdempotencyScope {
  readonly principal: string;
  readonly method: string;
  readonly path: string;
  readonly key: string;
}

const rowShape = z.object({
  bodySha256: z.instanceof(Uint8Array),
  status: z.number().nullable(),
  response: z.unknown(),
});
export type KeptAnswer = z.output<typeof rowShape>;

const where = 'principal = $1 and method = $2 and path = $3 and key = $4';
const scopeOf = (s: IdempotencyScope): string[] => [s.principal, s.method, s.path, s.key];

/**
 * Takes the key; undefined when it was free, otherwise what is known of its first use. Answers are
 * kept 30 days; a key without an answer after 10 minutes is free again, unless a run was recorded under it: who took it was
 * killed before anything was done.
 */
export async function takeKey(
  db: Database,
  scope: IdempotencyScope,
  bodySha256: Uint8Array,
): Promise<KeptAnswer | undefined> {
  await db.change(
    `delete from idempotency_key where created_at < now() - interval '30 days'
       or (status is null and response is null and created_at < now() - interval '10 minutes')`,
  );
  const taken = await db.change(
    `insert into idempotency_key (principal, method, path, key, body_sha256) values ($1, $2, $3, $4, $5)
     on conflict do nothing`,
    [...scopeOf(scope), bodySha256],
  );
  if (taken === 1) return undefined;
  const rows = await db.rows(
    rowShape,
    `select body_sha256 as "bodySha256", status, response from idempotency_key where ${where}`,
    scopeOf(scope),
  );
  return rows[0];
}

/** Keeps, together with a new run, that it was asked for under the key: a repeat finds it whatever becomes of the answer. */
export const keepRun = (db: Database, scope: IdempotencyScope, run: RunId): Promise<number> =>
  db.change(`update idempotency_key set response = $5 where status is null and ${where}`, [
    ...scopeOf(scope),
    JSON.stringify({ run }),
  ]);

/** Keeps the answer for repeats. */
export const keepAnswer = (db: Database, scope: IdempotencyScope, status: number, response: unknown): Promise<number> =>
  db.change(`update idempotency_key set status = $5, response = $6 where ${where}`, [
    ...scopeOf(scope),
    status,
    JSON.stringify(response),
  ]);

/** Gives the key back after a request that was refused: only outcomes after validation are kept. */
export const freeKey = (db: Database, scope: IdempotencyScope): Promise<number> =>
  db.change(`delete from idempotency_key where ${where}`, scopeOf(scope));
