import type { CatalogRow } from '#core/contents/catalog-rows.ts';
import { catalogRows, classRow, mappedFile } from '#core/contents/catalog-rows.ts';
import type { NamesThere, TablesBySchema } from '#core/contents/wanted-names.ts';
import { catalogOid } from '#core/engine/catalog-oids.ts';
import type { OpenSet } from '#agent/sets/open-set.ts';

/** A catalog that is larger is not read into memory for the sake of a spelling. */
const mostBytes = 64 * 1024 * 1024;

/** Rows that every cluster has: a file without them was not understood. */
const anchor = { template1: 1, pgCatalog: 11 } as const;

const kindsOfTables = new Set(['r', 'p', 'v', 'm', 'f', 'S']);

/**
 * Names that a set of files holds, as its own system catalogs tell, which no server reads for it: those of the moment at which its copy
 * began, those that were dropped shortly before among them. Undefined when its catalogs are not of the form that is known. Throws what reading
 * the pool throws.
 */
export async function namesInFiles(set: OpenSet): Promise<NamesThere | undefined> {
  const rows = await rowsOfMapped(set, 'global', Number(catalogOid.pg_database));
  if (rows?.some(({ oid }) => oid === anchor.template1) !== true) return undefined;
  const oids = new Map(rows.map(({ oid, name }) => [name, oid]));
  return {
    databases: [...oids.keys()],
    tablesOf: async (database) => {
      const oid = oids.get(database);
      return oid === undefined ? undefined : tablesIn(set, oid);
    },
  };
}

async function tablesIn(set: OpenSet, database: number): Promise<TablesBySchema | undefined> {
  const directory = directoryOf(set, database);
  const rows = directory === undefined ? undefined : await rowsOfMapped(set, directory, Number(catalogOid.pg_class));
  if (directory === undefined || rows === undefined) return undefined;
  const major = Math.floor(set.meta.summary.serverVersion / 10_000);
  const classes = rows.flatMap((row) => {
    const found = classRow(row, major);
    return found === undefined ? [] : [{ ...found, oid: row.oid, name: row.name }];
  });
  const schemas = classes.filter(({ oid }) => oid === Number(catalogOid.pg_namespace));
  const found = new Map<string, Set<string>>();
  const names = new Map<number, string>();
  for (const { file } of schemas)
    for (const { oid, name } of (await rowsOf(set, `${directory}/${String(file)}`)) ?? []) {
      names.set(oid, name);
      found.set(name, new Set());
    }
  if (!names.has(anchor.pgCatalog)) return undefined;
  for (const { schemaOid, kind, name } of classes)
    if (kindsOfTables.has(kind)) found.get(names.get(schemaOid) ?? '')?.add(name);
  return found;
}

/** Where the files of a database lie: below `base`, or in a tablespace. */
function directoryOf({ meta: { members } }: OpenSet, database: number): string | undefined {
  const end = new RegExp(`^(.*/${String(database)})/\\w*filenode\\.map$`);
  for (const { path } of members) {
    const found = end.exec(path);
    if (found?.[1] !== undefined) return found[1];
  }
  return undefined;
}

/** Rows of a catalog whose file is named by the map of its directory. */
async function rowsOfMapped(set: OpenSet, directory: string, catalog: number): Promise<CatalogRow[] | undefined> {
  const { members } = set.meta;
  const map = members.find(({ path }) => path.startsWith(`${directory}/`) && /\/\w*filenode\.map$/.test(path));
  if (map === undefined) return undefined;
  const file = mappedFile(await set.readMember(map.path), catalog);
  return file === undefined ? undefined : rowsOf(set, `${directory}/${String(file)}`);
}

async function rowsOf(set: OpenSet, path: string): Promise<CatalogRow[] | undefined> {
  const { members, summary } = set.meta;
  const member = members.find((one) => one.path === path);
  if (member?.kind !== 'file' || member.sizeBytes > mostBytes) return undefined;
  return [...catalogRows(await set.readMember(path), summary.pageBytes)];
}
