import { randomBytes } from 'node:crypto';
import type { Catalog } from '#catalog/database.ts';
import { openCatalog } from '#catalog/database.ts';
import { migrate } from '#catalog/migrate.ts';
import { formatId } from '#core/id.ts';
import type { IdSource } from '#core/ports/id-source.ts';
import { openPostgres } from './postgres.ts';

export interface TestCatalog {
  readonly catalog: Catalog;
  readonly url: string;
  close(): Promise<void>;
}

/** Ids as the processes make them. */
export const testIds: IdSource = (prefix) => formatId(prefix, Date.now(), randomBytes(10));

/** A catalog on a PostgreSQL of its own, migrated unless told otherwise. */
export async function openTestCatalog({ isEmpty = false } = {}): Promise<TestCatalog> {
  const postgres = await openPostgres({ major: 15 });
  await postgres.sql('create database holdfast');
  const { socketDirectory, port, user, password } = postgres;
  const url = `postgresql://${user}:${password}@/holdfast?host=${encodeURIComponent(socketDirectory)}&port=${String(port)}`;
  const catalog = openCatalog(url);
  if (!isEmpty) await migrate(catalog);
  return {
    catalog,
    url,
    close: async () => {
      await catalog.close();
      await postgres.close();
    },
  };
}
