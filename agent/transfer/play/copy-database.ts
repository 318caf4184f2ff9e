import { fail } from '#core/errors/fail.ts';
import type { DatabaseShape } from '#core/transfer/database-shape.ts';
import { createStatement, propertyStatements, shapeDifferences } from '#core/transfer/database-shape.ts';
import { firstDifference } from '#core/transfer/inventory.ts';
import type { WantedDatabase } from '#core/transfer/task.ts';
import type { Session } from '#agent/database/session.ts';
import type { Scratch } from '#agent/scratch/open-scratch.ts';
import { dumpInto } from './dump-into.ts';
import { gatherStatistics } from './gather-statistics.ts';
import { orCancelled } from '#agent/transfer/or-cancelled.ts';
import { readShape } from '#agent/transfer/read-database.ts';
import { readInventory } from '#agent/transfer/read-inventory.ts';
import { makeDatabase } from './made.ts';
import type { TransferWork } from '#agent/transfer/transfer-work.ts';

/** A database that was built beside the live one. */
export interface BuiltDatabase {
  readonly wanted: WantedDatabase;
  /** Name under which it lies now. */
  readonly temporary: string;
  readonly shape: DatabaseShape;
}

/**
 * Builds a copy of a database of a scratch instance on the target, under a temporary name, and proves it row count by row
 * count. Begins anew when an earlier attempt left one. Throws `transfer_refused`, `transfer_broken`, `transfer_differs`,
 * `cancelled`.
 */
export async function copyDatabase(
  work: TransferWork,
  scratch: Scratch,
  wanted: WantedDatabase,
  temporary: string,
): Promise<BuiltDatabase> {
  const { target, tally, watch } = work;
  const source = await scratch.session(wanted.database);
  try {
    const shape = await readShape(source, wanted.database);
    if (shape === undefined)
      throw fail('transfer_database_unknown', { database: wanted.database, known: '', near: '' });
    await makeDatabase(work, temporary, createStatement(temporary, shape, target.session.serverMajor));
    if (!(await hasPublic(source))) await dropPublic(work, temporary);
    tally.enter('transfer');
    await watch.time('transfer', () =>
      dumpInto(
        {
          ...{ home: work.home, tools: work.tools, clock: work.clock, args: [] },
          from: { access: scratch.access, database: wanted.database },
          to: { access: target.access, database: temporary },
          onBytes: (bytes) => {
            tally.addBytes(bytes);
          },
        },
        work.step,
      ),
    );
    tally.enter('verify');
    await watch.time('verify', () => prove(work, source, { wanted, temporary }));
    for (const statement of propertyStatements(temporary, shape)) await target.session.query(statement);
    await warnDifferences(work, wanted, shape);
    return { wanted, temporary, shape };
  } finally {
    await source.close();
  }
}

const hasPublic = async (session: Session): Promise<boolean> =>
  (await session.query("select 1 from pg_namespace where nspname = 'public'")).length > 0;

/** A new database comes with a schema in which, up to 14, everybody may create: one that the source does not have goes again. */
async function dropPublic({ target }: TransferWork, temporary: string): Promise<void> {
  const copy = await target.open(temporary);
  try {
    await copy.query('drop schema public');
  } finally {
    await copy.close();
  }
}

/** Throws `transfer_differs`. */
async function prove(
  work: TransferWork,
  source: Session,
  { wanted: { as }, temporary }: Omit<BuiltDatabase, 'shape'>,
): Promise<void> {
  const { target, tally, step } = work;
  const copy = await target.open(temporary);
  try {
    const [wanted, arrived] = await orCancelled(
      step.signal,
      Promise.all([readInventory(source, {}), readInventory(copy, {})]),
    );
    const difference = firstDifference(wanted, arrived);
    if (difference !== undefined) throw fail('transfer_differs', { database: temporary, difference });
    for (const rows of arrived.rows.values()) tally.addTable(Number(rows));
    await gatherStatistics(work, copy, as);
  } finally {
    await copy.close();
  }
}

/** Owner, rights and settings are those of the point: where the live database has others now, that is said. */
export async function warnDifferences(
  { target, tally }: TransferWork,
  { as }: WantedDatabase,
  shape: DatabaseShape,
): Promise<void> {
  const live = await readShape(target.session, as);
  const differences = live === undefined ? [] : shapeDifferences(live, shape);
  if (differences.length > 0)
    tally.warnings.push({ code: 'database_properties_differ', detail: `${as}: ${differences.join('; ')}` });
}
