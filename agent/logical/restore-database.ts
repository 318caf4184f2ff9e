import { z } from 'zod';
import { fail } from '#core/errors/fail.ts';
import { HoldfastError } from '#core/errors/holdfast-error.ts';
import type { DatabaseFacts, LogicalStream, StreamContent } from '#core/logical/meta.ts';
import type { LogicalReader } from '#core/logical/reader.ts';
import { bareSchemas } from '#core/logical/selection.ts';
import { grantsOfText } from '#core/transfer/acl-text.ts';
import type { DatabaseShape } from '#core/transfer/database-shape.ts';
import { createStatement, propertyStatements } from '#core/transfer/database-shape.ts';
import { quoted, quotedTable } from '#core/transfer/names.ts';
import type { FailedStatement } from '#core/transfer/report.ts';
import type { Session } from '#agent/database/session.ts';
import { textOf } from '#agent/database/session.ts';
import { codeOf } from '#agent/file-system.ts';
import { applyArchive } from '#agent/transfer/play/apply-archive.ts';
import { gatherStatistics } from '#agent/transfer/play/gather-statistics.ts';
import { inDatabase } from '#agent/transfer/play/in-database.ts';
import { makeDatabase } from '#agent/transfer/play/made.ts';
import { orCancelled } from '#agent/transfer/or-cancelled.ts';
import type { TransferWork } from '#agent/transfer/transfer-work.ts';
import type { SetIntoDatabase, TableStream } from './fill-tables.ts';
import { fillTables } from './fill-tables.ts';

const mostNamed = 10;
const mostTold = 200;

interface RestoredDatabase {
  readonly shape: DatabaseShape;
  readonly failures: readonly FailedStatement[];
}

/**
 * Makes a database from a logical set: definitions, rows of `channels` tables side by side, large objects, sequences, then indexes,
 * constraints and triggers, so that none of these stands in the way of rows. Statements that fail are answered in order; a table that
 * is missing or has other rows than the set is an end. Throws `transfer_incomplete`, `transfer_differs`, `transfer_broken`, `object_damaged`, `cancelled`.
 */
export async function restoreDatabase(work: TransferWork, into: SetIntoDatabase): Promise<RestoredDatabase> {
  const { target, watch, tally } = work;
  const { reader, facts, temporary } = into;
  const shape = shapeOf(facts);
  await makeDatabase(work, temporary, createStatement(temporary, shape, target.session.serverMajor));
  const bare = bareSchemas(reader.meta.summary.selection, facts.name, facts.relations);
  await inDatabase(target, temporary, async (session) => {
    for (const schema of bare) await session.query(`create schema if not exists ${quoted(schema)}`);
  });
  const streams = reader.meta.streams.filter(({ database }) => database === facts.name);
  const failures: FailedStatement[] = [];
  const play = async (kind: StreamContent['kind']): Promise<void> => {
    tally.enter(kind);
    for (const stream of streams.filter(({ content }) => content.kind === kind)) {
      const to = { access: target.access, database: temporary };
      failures.push(...(await watch.time(kind, () => applyArchive(work, reader.read(stream), to))));
    }
  };
  await play('pre-data');
  tally.enter('transfer');
  const tables = streams.filter(isTable);
  const refused = await watch.time('transfer', () => fillTables(work, into, tables));
  if (refused.length > 0) throw incomplete(work, facts.name, { tables: tables.length, refused, failures });
  await play('large-objects');
  failures.push(...(await setSequences(work, into, streams)));
  await play('post-data');
  tally.enter('verify');
  await watch.time('verify', () => prove(work, into, tables));
  for (const statement of propertyStatements(temporary, shape)) await target.session.query(statement);
  return { shape, failures };
}

const isTable = (stream: LogicalStream): stream is TableStream => stream.content.kind === 'table';

interface Incomplete {
  readonly tables: number;
  readonly refused: readonly FailedStatement[];
  readonly failures: readonly FailedStatement[];
}

/** Every failure so far goes into the log of the run in order, definitions first; the first of them into the error. */
function incomplete({ step }: TransferWork, database: string, { tables, refused, failures }: Incomplete) {
  const all = [...failures, ...refused].map(
    ({ object, sqlState, message }) => `${object}: ${message} (SQLSTATE ${sqlState})`,
  );
  for (const line of all.slice(0, mostTold)) step.log({ level: 'error', message: line });
  const more = all.length > mostNamed ? `; and ${String(all.length - mostNamed)} more` : '';
  return fail('transfer_incomplete', {
    ...{ database, count: String(refused.length), tables: String(tables) },
    failures: `${all.slice(0, mostNamed).join('; ')}${more}`,
  });
}

const providers: Readonly<Record<string, string>> = { libc: 'c', icu: 'i', builtin: 'b' };

const shapeOf = (facts: DatabaseFacts): DatabaseShape => ({
  ...{ owner: facts.owner, encoding: facts.encoding, collate: facts.collate, ctype: facts.ctype },
  ...{ provider: providers[facts.localeProvider] ?? 'c', locale: facts.locale, tablespace: facts.tablespace },
  icuRules: facts.icuRules,
  ...{ connectionLimit: facts.connectionLimit, comment: facts.comment, settings: facts.settings },
  grants: facts.acl === undefined ? undefined : grantsOfText(facts.acl),
});

const sequenceShape = z.tuple([z.string(), z.string(), z.string(), z.boolean()]);

async function setSequences(
  { target }: TransferWork,
  { reader, temporary }: SetIntoDatabase,
  streams: readonly LogicalStream[],
): Promise<readonly FailedStatement[]> {
  const session = await target.open(temporary);
  try {
    const failures: (FailedStatement | undefined)[] = [];
    for (const stream of streams.filter(({ content }) => content.kind === 'sequences')) {
      const lines = await textOfStream(reader, stream);
      for (const line of lines.split('\n').filter((one) => one !== '')) failures.push(await setSequence(session, line));
    }
    return failures.filter((one) => one !== undefined);
  } finally {
    await session.close();
  }
}

async function textOfStream(reader: LogicalReader, stream: LogicalStream): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of reader.read(stream)) parts.push(Buffer.from(part));
  return Buffer.concat(parts).toString('utf8');
}

/** A sequence that is not there is told like a statement that failed: the proof says whether it had to be. */
async function setSequence(session: Session, line: string): Promise<FailedStatement | undefined> {
  const [schema, name, last, isCalled] = sequenceShape.parse(JSON.parse(line));
  const sequence = quotedTable({ schema, table: name });
  try {
    await session.query('select setval($1::regclass, $2::bigint, $3)', [sequence, last, isCalled]);
    return undefined;
  } catch (error) {
    if (session.lost.aborted || !(error instanceof HoldfastError)) throw error;
    const statement = `SELECT setval(${sequence}, ${last}, ${String(isCalled)})`;
    return { object: `SEQUENCE ${sequence}`, sqlState: codeOf(error.cause), message: error.message, statement };
  }
}

/** Every relation that was chosen is there, every table has the rows of the set. Throws `transfer_differs`. */
async function prove(
  work: TransferWork,
  { facts, temporary }: SetIntoDatabase,
  tables: readonly TableStream[],
): Promise<void> {
  const session = await work.target.open(temporary);
  try {
    const there = new Set(
      (
        await session.query(
          `select n.nspname || '.' || c.relname as name from pg_class c join pg_namespace n on n.oid = c.relnamespace`,
        )
      ).map((row) => textOf(row, 'name')),
    );
    const missing = facts.relations.filter(({ schema, table }) => !there.has(`${schema}.${table}`));
    if (missing.length > 0) {
      const names = missing.slice(0, 5).map(({ schema, table }) => `${schema}.${table} is missing`);
      throw fail('transfer_differs', { database: facts.name, difference: names.join('; ') });
    }
    for (const { content } of tables) {
      if (content.isOfExtension === true) continue;
      const count = `select count(*)::text as n from only ${quotedTable(content)}`;
      const rows = Number(textOf(await orCancelled(work.step.signal, session.queryOne(count)), 'n'));
      if (rows !== content.rows)
        throw fail('transfer_differs', {
          database: facts.name,
          difference: `${String(rows)} rows in ${content.schema}.${content.table}, ${String(content.rows)} in the set`,
        });
      work.tally.addTable(rows);
    }
    await gatherStatistics(work, session, facts.name);
  } finally {
    await session.close();
  }
}
