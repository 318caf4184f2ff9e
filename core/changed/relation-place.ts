import type { RelationFile } from '../backup/relation-file.ts';
import type { EngineFiles } from '../engine/profile.ts';
import { parseRelationFile } from '../backup/relation-file.ts';

/** Oids of the two tablespaces that every cluster has (`pg_tablespace.dat`). */
export const defaultTablespace = 1663;
export const sharedTablespace = 1664;

/** How relations lie in files. */
export interface FileLayout {
  readonly files: EngineFiles;
  readonly pageBytes: number;
  /** Pages in one file of a relation, from the control file. */
  readonly pagesPerFile: number;
}

/** A file of a relation as log records name it (engine.md §A rule 6). */
export interface RelationPlace {
  readonly tablespace: number;
  /** 0 in the shared tablespace. */
  readonly database: number;
  readonly number: number;
  readonly fork: RelationFile['fork'];
  /** Number of the file's first block within the fork. */
  readonly firstBlock: number;
}

const oid = /^[1-9]\d{0,9}$/;

/** Undefined for every file that is no relation. `path` is within the set, with `/`. */
export function relationPlace(path: string, { files, pagesPerFile }: FileLayout): RelationPlace | undefined {
  const parts = path.split('/');
  const relation = parseRelationFile(parts[parts.length - 1] ?? '');
  const directory = databaseOf(parts.slice(0, -1), files);
  if (relation === undefined || directory === undefined || relation.isTemporary) return undefined;
  const { number, fork, segment } = relation;
  return { ...directory, number: Number(number), fork, firstBlock: segment * pagesPerFile };
}

type DatabaseDirectory = Pick<RelationPlace, 'tablespace' | 'database'>;

function databaseOf(directory: readonly string[], files: EngineFiles): DatabaseDirectory | undefined {
  const [first, second = ''] = directory;
  if (first === files.tablespaces) return databaseInTablespace(directory.slice(1), files);
  if (first === files.shared && directory.length === 1) return { tablespace: sharedTablespace, database: 0 };
  const isDatabase = first === files.databases && directory.length === 2 && oid.test(second);
  return isDatabase ? { tablespace: defaultTablespace, database: Number(second) } : undefined;
}

/** `<tablespace oid>/PG_<major>_<catalog version>/<database oid>`. */
function databaseInTablespace(directory: readonly string[], files: EngineFiles): DatabaseDirectory | undefined {
  const [tablespace = '', version = '', database = ''] = directory;
  const isDatabase =
    directory.length === 3 &&
    version.startsWith(files.tablespaceVersionPrefix) &&
    oid.test(tablespace) &&
    oid.test(database);
  return isDatabase ? { tablespace: Number(tablespace), database: Number(database) } : undefined;
}
