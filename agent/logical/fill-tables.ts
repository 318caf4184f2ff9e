import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { fail } from '#core/errors/fail.ts';
import { HoldfastError } from '#core/errors/holdfast-error.ts';
import type { DatabaseFacts, LogicalStream, StreamContent } from '#core/logical/meta.ts';
import { streamText } from '#core/logical/meta.ts';
import type { LogicalReader } from '#core/logical/reader.ts';
import { isPassing } from '#core/transfer/failed-statements.ts';
import { literal, quoted, quotedTable } from '#core/transfer/names.ts';
import type { FailedStatement } from '#core/transfer/report.ts';
import type { Session } from '#agent/database/session.ts';
import { codeOf } from '#agent/file-system.ts';
import { orCancelled } from '#agent/transfer/or-cancelled.ts';
import { passThrough } from '#agent/transfer/play/pass-through.ts';
import type { TransferWork } from '#agent/transfer/transfer-work.ts';

type TableContent = Extract<StreamContent, { kind: 'table' }>;
export type TableStream = LogicalStream & { readonly content: TableContent };

/** One database of a set and where it is built. */
export interface SetIntoDatabase {
  readonly reader: LogicalReader;
  readonly facts: DatabaseFacts;
  /** Name of the database that is made on the target. */
  readonly temporary: string;
  readonly channels: number;
}

/** The server as a whole cannot go on: full, out of memory, failing. No other table would fare better. */
const hopeless = /^(53|54|58|XX)/;
const serverCode = /^[0-9A-Z]{5}$/;

/**
 * Fills tables, the next one as soon as a channel is free. A table whose rows the server refuses keeps none, and the others are filled
 * nevertheless: whoever mends one thing wants to know of all. Answers the tables that were refused, in the order of the set. Throws
 * `transfer_refused` for what no table would survive, `transfer_broken`, what the reader throws, `cancelled`.
 */
export async function fillTables(
  work: TransferWork,
  into: SetIntoDatabase,
  tables: readonly TableStream[],
): Promise<readonly FailedStatement[]> {
  const failed = new AbortController();
  const refused: (FailedStatement | undefined)[] = [];
  let next = 0;
  const fill = async (): Promise<void> => {
    const session = await work.target.open(into.temporary);
    try {
      await session.query(`set client_encoding to ${literal(into.facts.encoding)}`);
      for (let at = next++; at < tables.length && !failed.signal.aborted; at = next++) {
        const table = tables[at];
        if (table !== undefined)
          refused[at] = await orCancelled(work.step.signal, fillTable(work, into, session, table));
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
  return refused.filter((one) => one !== undefined);
}

async function fillTable(
  { step, clock, tally }: TransferWork,
  { reader }: SetIntoDatabase,
  session: Session,
  table: TableStream,
): Promise<FailedStatement | undefined> {
  const { columns } = table.content;
  const list = columns.length === 0 ? '' : ` (${columns.map(quoted).join(', ')})`;
  const statement = `copy ${quotedTable(table.content)}${list} from stdin`;
  const rows = session.copyIn(statement);
  const counted = passThrough(step, clock, (bytes) => {
    tally.addBytes(bytes);
  });
  try {
    await pipeline(Readable.from(copied(reader.read(table))), counted, rows);
    return undefined;
  } catch (error) {
    if (error instanceof HoldfastError || session.lost.aborted) throw error;
    const sqlState = codeOf(error);
    const message = error instanceof Error ? error.message : String(error);
    // What has no code of a server comes from the connection.
    if (!serverCode.test(sqlState) || isPassing(sqlState))
      throw fail('transfer_broken', { database: 'a logical set', to: streamText(table), reason: message }, error);
    if (hopeless.test(sqlState))
      throw fail('transfer_refused', { database: streamText(table), sqlState, reason: message }, error);
    return { object: `TABLE ${quotedTable(table.content)}`, sqlState, message, statement };
  }
}

async function* copied(parts: AsyncIterable<Uint8Array>): AsyncIterable<Buffer> {
  for await (const part of parts) yield Buffer.from(part);
}
