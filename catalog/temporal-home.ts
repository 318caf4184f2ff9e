import { z } from 'zod';
import { fail } from '#core/errors/fail.ts';
import type { Database } from './database.ts';

/** A Temporal namespace as its server describes it. */
export interface SeenNamespace {
  readonly namespace: string;
  /** Another for each namespace that is made, whatever its name; empty when there is none of that name. */
  readonly id: string;
}

const shape = z.object({ namespace: z.string(), id: z.string() });

/** The namespace this catalog belongs to; undefined before the first that was seen. */
export async function namespaceOfCatalog(db: Database): Promise<SeenNamespace | undefined> {
  const rows = await db.rows(shape, 'select namespace, namespace_id as id from temporal_home');
  return rows[0];
}

/**
 * Throws `temporal_namespace_foreign` unless the namespace is the one of this catalog; the first that is seen becomes it.
 * In another one no run of this catalog is known: all would be taken for lost, and queued ones started a second time.
 */
export async function demandOwnNamespace(db: Database, seen: SeenNamespace): Promise<void> {
  await db.change(
    `insert into temporal_home (namespace, namespace_id) select $1, $2 where $2 <> '' on conflict do nothing`,
    [seen.namespace, seen.id],
  );
  demandSame(await namespaceOfCatalog(db), seen);
}

/** The same without taking it. */
export function demandSame(own: SeenNamespace | undefined, seen: SeenNamespace): void {
  if (own === undefined || own.id === seen.id) return;
  throw fail('temporal_namespace_foreign', {
    ...{ namespace: seen.namespace, found: seen.id === '' ? 'none' : seen.id },
    ...{ own: own.namespace, expected: own.id },
  });
}

/** Makes it the namespace of this catalog, whatever that was. */
export async function adoptNamespace(db: Database, seen: SeenNamespace): Promise<void> {
  await db.change(
    `insert into temporal_home (namespace, namespace_id) values ($1, $2)
     on conflict (is_only) do update set namespace = $1, namespace_id = $2, recorded_at = now()`,
    [seen.namespace, seen.id],
  );
}
