import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { z } from 'zod';
import { fail, bug } from '#core/errors/fail.ts';
import type { Catalog, Database } from './database.ts';

interface Migration {
  readonly name: string;
  readonly sql: string;
  readonly sha256: string;
}

const appliedShape = z.object({ name: z.string(), sha256: z.string() });
/** Any fixed number: whoever migrates holds this advisory lock, so two `holdfast init` never migrate at once. */
const lockKey = 7_465_811;

/** Migrations of this version in order. They lie beside this file, or in the package when this file is bundled. */
export async function knownMigrations(): Promise<Migration[]> {
  const folder = [new URL('./migrations/', import.meta.url), new URL('../catalog/migrations/', import.meta.url)].find(
    (url) => existsSync(url),
  );
  if (folder === undefined) throw bug('the folder catalog/migrations is not part of this installation');
  const names = (await readdir(folder)).filter((name) => /^\d{4}_[a-z_]+\.sql$/.test(name)).sort();
  return Promise.all(
    names.map(async (name) => {
      const sql = await readFile(new URL(name, folder), 'utf8');
      return { name, sql, sha256: createHash('sha256').update(sql).digest('hex') };
    }),
  );
}

/**
 * Brings the catalog to this version; applied migrations are left alone. Returns the names it applied.
 * Throws `migration_changed`, `catalog_newer`, `catalog_unreachable`.
 */
export async function migrate(catalog: Catalog): Promise<string[]> {
  const known = await knownMigrations();
  return catalog.transaction(async (db) => {
    await db.change('select pg_advisory_xact_lock($1)', [lockKey]);
    await db.change(
      'create table if not exists migration (name text primary key, sha256 text not null, applied_at timestamptz not null default now())',
    );
    const missing = await missingMigrations(db, known);
    for (const migration of missing) {
      await db.change(migration.sql);
      await db.change('insert into migration (name, sha256) values ($1, $2)', [migration.name, migration.sha256]);
    }
    return missing.map((migration) => migration.name);
  });
}

/** Throws `catalog_not_migrated` unless the catalog is exactly at this version. */
export async function demandMigrated(catalog: Catalog): Promise<void> {
  const known = await knownMigrations();
  const tables = await catalog.rows(
    z.object({ found: z.string().nullable() }),
    "select to_regclass('migration')::text as found",
  );
  const missing = tables[0]?.found == null ? known : await missingMigrations(catalog, known);
  const first = missing[0];
  if (first !== undefined) throw fail('catalog_not_migrated', { missing: first.name });
}

async function missingMigrations(db: Database, known: readonly Migration[]): Promise<Migration[]> {
  const applied = await db.rows(appliedShape, 'select name, sha256 from migration order by name');
  for (const { name, sha256 } of applied) {
    const ours = known.find((migration) => migration.name === name);
    if (ours === undefined) throw fail('catalog_newer', { found: name });
    if (ours.sha256 !== sha256) throw fail('migration_changed', { name });
  }
  return known.filter(({ name }) => !applied.some((row) => row.name === name));
}
