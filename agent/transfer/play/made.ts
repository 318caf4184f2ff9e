import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { fail } from '#core/errors/fail.ts';
import type { ResourceId, RunId } from '#core/id.ts';
import { quoted } from '#core/transfer/names.ts';
import type { Session } from '#agent/database/session.ts';
import { syncDirectory } from '#agent/file-system.ts';
import { writeWholeFile } from '#agent/work/whole-file.ts';
import { inDatabase } from './in-database.ts';
import { databasesOn, schemasOn } from '#agent/transfer/swap/standing.ts';
import type { Target } from '#agent/transfer/target.ts';
import { dropDatabase } from '#agent/transfer/target.ts';

/** A database, or a schema of one, that a run makes under a temporary name. */
interface Made {
  readonly name: string;
  /** The database of a schema; absent: it is a database itself. */
  readonly database?: string;
  /** Absent while it is being made. */
  readonly oid?: string;
}

const bookShape = z.object({
  resourceId: z.string(),
  made: z.array(z.object({ name: z.string(), database: z.string().exactOptional(), oid: z.string().exactOptional() })),
});

/**
 * What runs of this host make in one instance under temporary names. Each is written down before it is made, and only when its name is free,
 * and with its oid afterwards: nothing is dropped for its name alone.
 */
export interface MadeBook {
  /** Durable when it settles. */
  note(made: Made): Promise<void>;
  /** Of every run of this host. */
  all(): readonly Made[];
  /** What was noted is gone, or is in its place under another name. Durable when it returns. */
  clear(): void;
}

const fileName = 'made.json';

/** Opens the book of a run below `home`, the agent's own directory. */
export function openMadeBook(home: string, runId: RunId, resourceId: ResourceId): MadeBook {
  const runs = join(home, 'runs');
  const folder = join(runs, runId);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const read = (run: string): readonly Made[] => {
    const path = join(runs, run, fileName);
    if (!existsSync(path)) return [];
    const book = bookShape.parse(JSON.parse(readFileSync(path, 'utf8')));
    return book.resourceId === resourceId ? book.made : [];
  };
  return {
    note: (made) => {
      const others = read(runId).filter(({ name, database }) => name !== made.name || database !== made.database);
      return writeWholeFile(join(folder, fileName), JSON.stringify({ resourceId, made: [...others, made] }));
    },
    all: () => readdirSync(runs).flatMap(read),
    clear: () => {
      for (const run of readdirSync(runs).filter((one) => read(one).length > 0)) {
        rmSync(join(runs, run, fileName), { force: true });
        syncDirectory(join(runs, run));
      }
    },
  };
}

interface Making {
  readonly target: Target;
  readonly made: MadeBook;
}

/** Makes a database under a temporary name. Throws `transfer_name_taken` when somebody else has it. */
export async function makeDatabase({ target, made }: Making, name: string, statement: string): Promise<void> {
  const { session, instance } = target;
  if ((await databasesOn(session)).has(name)) throw fail('transfer_name_taken', { name, instance });
  await made.note({ name });
  await session.query(statement);
  await made.note({ name, ...oidIn(await databasesOn(session), name) });
}

/** Lets schemas be made under temporary names by what `make` does. Throws `transfer_name_taken` when somebody else has one. */
export async function makeSchemas(
  { target, made }: Making,
  { live, database, names }: { readonly live: Session; readonly database: string; readonly names: readonly string[] },
  make: () => Promise<void>,
): Promise<void> {
  const before = await schemasOn(live);
  for (const name of names) {
    if (before.has(name)) throw fail('transfer_name_taken', { name: `${database}.${name}`, instance: target.instance });
    await made.note({ name, database });
  }
  await make();
  const after = await schemasOn(live);
  for (const name of names) await made.note({ name, database, ...oidIn(after, name) });
}

function oidIn(oids: ReadonlyMap<string, string>, name: string): { readonly oid?: string } {
  const oid = oids.get(name);
  return oid === undefined ? {} : { oid };
}

/** Drops what runs of this host made and left under temporary names: the lane of the instance lets one transfer in at a time. */
export async function dropMade({ target, made }: Making): Promise<void> {
  const databases = await databasesOn(target.session);
  for (const one of made.all()) {
    const { name, database } = one;
    if (database === undefined) {
      if (isThat(one, databases)) await dropDatabase(target, name);
    } else if (databases.has(database)) {
      await inDatabase(target, database, async (session) => {
        if (isThat(one, await schemasOn(session))) await session.query(`drop schema ${quoted(name)} cascade`);
      });
    }
  }
  made.clear();
}

/** By name and oid; what was being made when its run died has no oid yet, and its name was free. */
const isThat = ({ name, oid }: Made, oids: ReadonlyMap<string, string>): boolean =>
  oids.has(name) && (oid === undefined || oids.get(name) === oid);
