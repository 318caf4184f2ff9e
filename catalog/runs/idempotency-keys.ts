import { z } from 'zod';
import { fail } from '#core/errors/fail.ts';
import type { RunId } from '#core/id.ts';
import type { Database } from '#catalog/database.ts';

/** Who repeats what: a key is only the same within one principal, method and path. */
export interface IdempotencyScope {
  readonly principal: string;
  readonly method: string;
  readonly path: string;
  readonly key: string;
}

/** A key as one request holds it: another one that took it since, because the first was not heard of any more, has another holder. */
export interface HeldKey extends IdempotencyScope {
  readonly holder: string;
}

const rowShape = z.object({
  bodySha256: z.instanceof(Uint8Array),
  status: z.number().nullable(),
  response: z.unknown(),
});
export type KeptAnswer = z.output<typeof rowShape>;

const where = 'principal = $1 and method = $2 and path = $3 and key = $4';
const held = `${where} and holder = $5`;
const scopeOf = (s: IdempotencyScope): string[] => [s.principal, s.method, s.path, s.key];
const heldOf = (s: HeldKey): string[] => [...scopeOf(s), s.holder];

/**
 * Takes the key; undefined when it was free, otherwise what is known of its first use. Answers are
 * kept 30 days; a key without an answer whose holder was not heard of for 30 s is free again, unless a run was recorded under it:
 * who took it was killed, or lost the catalog, before anything was done.
 */
export async function takeKey(db: Database, key: HeldKey, bodySha256: Uint8Array): Promise<KeptAnswer | undefined> {
  await db.change(
    `delete from idempotency_key where created_at < now() - interval '30 days'
       or (status is null and response is null and held_at < now() - interval '30 seconds')`,
  );
  const taken = await db.change(
    `insert into idempotency_key (principal, method, path, key, holder, body_sha256) values ($1, $2, $3, $4, $5, $6)
     on conflict do nothing`,
    [...heldOf(key), bodySha256],
  );
  if (taken === 1) return undefined;
  const rows = await db.rows(
    rowShape,
    `select body_sha256 as "bodySha256", status, response from idempotency_key where ${where}`,
    scopeOf(key),
  );
  return rows[0];
}

/** Says that the request of a key is still being served. */
export const holdKey = (db: Database, key: HeldKey): Promise<number> =>
  db.change(`update idempotency_key set held_at = now() where ${held}`, heldOf(key));

/**
 * Keeps, together with a new run, that it was asked for under the key: a repeat finds it whatever becomes of the answer. Throws
 * `idempotency_in_flight` when another request has the key by now, so that nothing is recorded twice.
 */
export async function keepRun(db: Database, key: HeldKey, run: RunId): Promise<void> {
  const kept = await db.change(`update idempotency_key set response = $6 where status is null and ${held}`, [
    ...heldOf(key),
    JSON.stringify({ run }),
  ]);
  if (kept === 0) throw fail('idempotency_in_flight', { key: key.key });
}

/** Keeps the answer for repeats. */
export const keepAnswer = (db: Database, key: HeldKey, status: number, response: unknown): Promise<number> =>
  db.change(`update idempotency_key set status = $6, response = $7 where ${held}`, [
    ...heldOf(key),
    status,
    JSON.stringify(response),
  ]);

/** Gives the key back after a request that was refused: only outcomes after validation are kept. */
export const freeKey = (db: Database, key: HeldKey): Promise<number> =>
  db.change(`delete from idempotency_key where ${held}`, heldOf(key));
