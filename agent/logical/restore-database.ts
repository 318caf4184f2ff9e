import { pipeline } from 'node:stream/promises';
import { Readable } from 'node:stream';
import { z } from 'zod';
import { fail } from '#core/errors/fail.ts';
import { HoldfastError } from '#core/errors/holdfast-error.ts';
import type { DatabaseFacts, LogicalStream, StreamContent } from '#core/logical/meta.ts';
import { streamText } from '#core/logical/meta.ts';
import type { LogicalReader } from '#core/logical/reader.ts';
import { grantsOfText } from '#core/transfer/acl-text.ts';
import type { DatabaseShape } from '#core/transfer/database-shape.ts';
import { createStatement, propertyStatements } from '#core/transfer/database-shape.ts';
import { quoted, quotedTable } from '#core/transfer/names.ts';
import type { FailedStatement } from '#core/transfer/report.ts';
import type { Session } from '#agent/database/session.ts';
import { textOf } from '#agent/database/session.ts';
import { codeOf } from '#agent/file-system.ts';
import { applyArchive } from '#agent/transfer/apply-archive.ts';
import { orCancelled } from '#agent/transfer/or-cancelled.ts';
import { passThrough } from '#agent/transfer/pass-through.ts';
import { dropDatabase } from '#agent/transfer/target.ts';
import type { TransferWork } from '#agent/transfer/transfer-work.ts';

type TableContent = Extract<StreamContent, { kind: 'table' }>;
type TableStream = LogicalStream & { readonly content: TableContent };

/** One database of a set and where it is built. */
interface SetIntoDatabase {
  readonly reader: LogicalReader;
  readonly facts: DatabaseFacts;
  /** Name of the database that is made on the target. */
  readonly temporary: string;
  readonly channels: number;
}

interface RestoredDatabase {
  readonly shape: DatabaseShape;
  readonly failures: readonly FailedStatement[];
}

/**
 * Makes a database from a logical set: definitions, rows of `channels` tables side by side, large objects, sequences, then indexes,
 * constraints and triggers, so that none of these stands in the way of rows. Statements that fail are answered in order; a table that
 * is missing or has other rows than the set is an end. Throws `transfer_differs`, `transfer_broken`, `object_damaged`, `cancelled`.
 */
export async function restoreDatabase(work: TransferWork, into: SetIntoDatabase): Promise<RestoredDatabase> {
  const { target, watch, tally } = work;
  const { reader, facts, temporary } = into;
  const shape = shapeOf(facts);
  await dropDatabase(target, temporary);
  await target.session.query(createStatement(temporary, shape, target.session.serverMajor));
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
  await watch.time('transfer', () => fillTables(work, into, streams.filter(isTable)));
  await play('large-objects');
  await setSequences(work, into, streams);
  await play('post-data');
  tally.enter('verify');
  await watch.time('verify', () => prove(work, into, streams.filter(isTable)));
  for (const statement of propertyStatements(temporary, shape)) await target.session.query(statement);
  return { shape, failures };
}

const isTable = (stream: LogicalStream): stream is TableStream => stream.content.kind === 'table';

const providers: Readonly<Record<string, string>> = { libc: 'c', icu: 'i', builtin: 'b' };

const shapeOf = (facts: DatabaseFacts): DatabaseShape => ({
  ...{ owner: facts.owner, encoding: facts.encoding, collate: facts.collate, ctype: facts.ctype },
  ...{ provider: providers[facts.localeProvider] ?? 'c', locale: facts.locale, tablespace: facts.tablespace },
  ...{ connectionLimit: facts.connectionLimit, comment: facts.comment, settings: facts.settings },
  grants: facts.acl === undefined ? undefined : grantsOfText(facts.acl),
});

/** Fills tables, the next one as soon as a channel is free; the first failure ends all. */
async function fillTables(work: TransferWork, into: SetIntoDatabase, tables: readonly TableStream[]): Promise<void> {
  const failed = new AbortController();
  let next = 0;
  const fill = async (): Promise<void> => {
    const session = await work.target.open(into.temporary);
    try {
      await session.query(`set client_encoding to '${into.facts.encoding.replaceAll("'", '')}'`);
      for (let at = next++; at < tables.length && !failed.signal.aborted; at = next++) {
        const table = tables[at];
        if (table !== undefined) await orCancelled(work.step.signal, fillTable(work, into, session, table));
      }
    } catch (error) {
      failed.abort(error);
      throw error;
    } finally {
      await session.close();
    }
  };
  const width = Math.max(1, Math.min(into.channels, tables.length));
  const ends = await Promise.allSettled(Array.from({ length: width }, fill));
  if (failed.signal.aborted) throw failed.signal.reason;
  const bad = ends.find((end) => end.status === 'rejected');
  if (bad !== undefined) throw bad.reason;
}

async function fillTable(
  { step, clock, tally }: TransferWork,
  { reader }: SetIntoDatabase,
  session: Session,
  table: TableStream,
): Promise<void> {
  const { columns } = table.content;
  const list = columns.length === 0 ? '' : ` (${columns.map(quoted).join(', ')})`;
  const rows = session.copyIn(`copy ${quotedTable(table.content)}${list} from stdin`);
  const counted = passThrough(step, clock, (bytes) => {
    tally.addBytes(bytes);
  });
  try {
    await pipeline(Readable.from(copied(reader.read(table))), counted, rows);
  } catch (error) {
    if (error instanceof HoldfastError || session.lost.aborted) throw error;
    const [sqlState, reason] = [codeOf(error), error instanceof Error ? error.message : String(error)];
    throw fail('transfer_refused', { database: streamText(table), sqlState, reason }, error);
  }
}

async function* copied(parts: AsyncIterable<Uint8Array>): AsyncIterable<Buffer> {
  for await (const part of parts) yield Buffer.from(part);
}

const sequenceShape = z.tuple([z.string(), z.string(), z.string(), z.boolean()]);

async function setSequences(
  { target }: TransferWork,
  { reader, temporary }: SetIntoDatabase,
  streams: readonly LogicalStream[],
): Promise<void> {
  const session = await target.open(temporary);
  try {
    for (const stream of streams.filter(({ content }) => content.kind === 'sequences')) {
      const lines = await textOfStream(reader, stream);
      for (const line of lines.split('\n').filter((one) => one !== '')) await setSequence(session, line);
    }
  } finally {
    await session.close();
  }
}

async function textOfStream(reader: LogicalReader, stream: LogicalStream): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of copied(reader.read(stream))) parts.push(part);
  return Buffer.concat(parts).toString('utf8');
}

async function setSequence(session: Session, line: string): Promise<void> {
  const [schema, name, last, isCalled] = sequenceShape.parse(JSON.parse(line));
  const sequence = quotedTable({ schema, table: name });
  await session.query('select setval($1::regclass, $2::bigint, $3)', [sequence, last, isCalled]);
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
    await orCancelled(work.step.signal, session.query('analyze'));
  } finally {
    await session.close();
  }
}
