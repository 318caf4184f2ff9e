import type { OrderOf } from '#core/agent/order.ts';
import { engineProfile } from '#core/engine/profiles.ts';
import { fail } from '#core/errors/fail.ts';
import type { GlobalFacts } from '#core/logical/meta.ts';
import type { DatabaseSelection } from '#core/logical/selection.ts';
import { wholeDatabase } from '#core/logical/selection.ts';
import { nearNames } from '#core/near-names.ts';
import type { StepContext } from '#core/ports/step.ts';
import { noProgress } from '#core/run/progress.ts';
import type { Session } from '#agent/database/session.ts';
import { openSession, textOf } from '#agent/database/session.ts';
import { checkDatabase } from './backup-database.ts';
import { databasesSql, globalFacts } from './backup-facts.ts';
import type { FoundTool } from './find-tool.ts';
import { findTool } from './find-tool.ts';

interface Inspecting {
  readonly order: OrderOf<'logical-backup'>;
  readonly step: StepContext;
  /** Directories with client programs to look in first. */
  readonly programs: readonly string[];
}

/** What was found out before anything was made. */
export interface Inspected {
  readonly serverVersion: number;
  readonly selections: readonly DatabaseSelection[];
  readonly globals: GlobalFacts;
  readonly tool: FoundTool;
}

/** Asks the server and looks for the tool: whatever refuses does so before anything is made. */
export async function inspectLogical({ order, step, programs }: Inspecting): Promise<Inspected> {
  const { instance, logical } = order;
  const profile = engineProfile(instance.engine);
  step.report({ ...noProgress, phase: 'inspect' });
  const session = await openSession(instance);
  try {
    await demandSameInstance(session, order);
    const { serverMajor: major, serverVersion } = session;
    const tool = await findTool({ profile, tool: profile.tools.dump, major, preferred: programs });
    const selections = await selectionsOf(session, order);
    const globals = await globalFacts(session);
    for (const selection of selections) await checkOne(order, selection);
    const names = selections.map(({ database }) => database).join(', ');
    const snapshots = selections.length === 1 ? 'one snapshot' : 'a snapshot each, one after the other';
    const message = `${names}: ${snapshots}, definitions by ${tool.version}, rows over ${String(order.options.channels)} channels, locks waited for ${String(logical.lockWaitSeconds)} s`;
    step.log({ level: 'info', message });
    return { serverVersion, selections, globals, tool };
  } finally {
    await session.close();
  }
}

async function demandSameInstance(session: Session, { instance }: OrderOf<'logical-backup'>): Promise<void> {
  const row = await session.queryOne('select system_identifier::text as id from pg_control_system()');
  const found = textOf(row, 'id');
  if (found !== instance.systemId)
    throw fail('system_id_mismatch', { object: session.instance, found, recorded: instance.systemId });
}

async function selectionsOf(
  session: Session,
  { logical: { selection } }: OrderOf<'logical-backup'>,
): Promise<readonly DatabaseSelection[]> {
  const there = (await session.query(databasesSql)).map((row) => textOf(row, 'name'));
  if (selection.of === 'all') return there.map(wholeDatabase);
  for (const { database } of selection.databases)
    if (!there.includes(database)) {
      const near = nearNames(there, database).join(', ');
      throw fail('logical_database_missing', { database, instance: session.instance, near });
    }
  return selection.databases;
}

async function checkOne({ instance }: OrderOf<'logical-backup'>, selection: DatabaseSelection): Promise<void> {
  const session = await openSession(instance, selection.database);
  try {
    await checkDatabase(session, selection, instance.login?.user ?? '');
  } finally {
    await session.close();
  }
}
