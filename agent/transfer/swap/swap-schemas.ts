import { quoted } from '#core/transfer/names.ts';
import type { FailedStatement } from '#core/transfer/report.ts';
import type { Placed } from '#core/transfer/task.ts';
import { placedText } from '#core/transfer/task.ts';
import type { Session } from '#agent/database/session.ts';
import type { BuiltSchemas } from '#agent/transfer/play/copy-schemas.ts';
import { refuseSchemaDependents } from '#agent/transfer/play/copy-schemas.ts';
import { inOneTransaction } from '#agent/transfer/play/in-one-transaction.ts';
import { demandInPlace } from './demand-in-place.ts';
import { fillHeld } from './held-views.ts';
import { refuseReplicated } from './replication.ts';
import { demandSameKeys, takeKeysOff } from './taken-keys.ts';
import { whileCancellable } from './while-cancellable.ts';

/** How materialized views are filled in the swap. */
export interface Filling {
  readonly signal: AbortSignal;
  /** Another session of the same instance, by which a cancel ends what takes long. */
  readonly control: Session;
  /** Durable when it settles: what failed, before the swap is committed. */
  readonly note: (failed: readonly FailedStatement[]) => Promise<void>;
}

/**
 * Schemas take their places by rename, all in one transaction, in which their materialized views are filled; no table is locked but those
 * whose foreign keys are taken off, at the end. Throws `transfer_swap_refused`, `transfer_schema_depends`, `transfer_replicated`, `cancelled`.
 */
export const swapSchemas = (
  live: Session,
  { schemas, heldViews }: BuiltSchemas,
  placed: readonly Placed[],
  filling: Filling,
): Promise<void> =>
  inOneTransaction(live, placed.map(placedText).join(', '), async () => {
    await demandSameKeys(live, placed);
    for (const one of placed) await moveAside(live, one);
    for (const { wanted, staging } of schemas)
      await live.query(`alter schema ${quoted(staging)} rename to ${quoted(wanted.as)}`);
    const placeOf = (staged: string): string => schemas.find(({ staging }) => staging === staged)?.wanted.as ?? staged;
    const views = heldViews.map(({ schema, table }) => ({ schema: placeOf(schema), table }));
    if (views.length > 0) {
      const failed = await whileCancellable(live, filling, () => fillHeld(live, views, filling.signal));
      await filling.note(failed);
    }
    for (const one of placed) await takeKeptKeysOff(live, one);
    await demandInPlace(live, placed);
  });

async function moveAside(live: Session, one: Placed): Promise<void> {
  if (one.kind !== 'schema' || one.keptAs === undefined) return;
  await refuseSchemaDependents(live, one.name);
  await refuseReplicated(live, `Schema "${one.name}"`, one.keptOid === undefined ? [] : [one.keptOid]);
  await live.query(`alter schema ${quoted(one.name)} rename to ${quoted(one.keptAs)}`);
}

/** Behind all that may take long, for it locks live tables: they have the names that they are kept under by now. */
async function takeKeptKeysOff(live: Session, one: Placed): Promise<void> {
  if (one.kind !== 'schema' || one.keptAs === undefined) return;
  const { keptAs: schema, takenKeys = [] } = one;
  await takeKeysOff(live, { ...one, takenKeys: takenKeys.map((key) => ({ ...key, schema })) });
}
