import type { RunId } from '#core/id.ts';
import { quoted } from '#core/transfer/names.ts';
import type { Placed } from '#core/transfer/task.ts';
import type { Session } from '#agent/database/session.ts';
import { refuseSchemaDependents } from '#agent/transfer/play/copy-schemas.ts';
import { inOneTransaction } from '#agent/transfer/play/in-one-transaction.ts';
import { refuseReplicated } from './replication.ts';
import type { Standing } from './standing.ts';
import { undonePlaceOf } from './standing.ts';
import { putKeysOn, takeUndoneKeysOff } from './taken-keys.ts';

/** Drops schemas with all that is in them, and nothing else. Throws `transfer_schema_depends`, `transfer_swap_refused`. */
export function dropSchemas(session: Session, schemas: readonly string[]): Promise<void> {
  return inOneTransaction(session, schemas.join(', '), async () => {
    for (const schema of schemas) {
      await refuseSchemaDependents(session, schema);
      await session.query(`drop schema ${quoted(schema)} cascade`);
    }
  });
}

/** Kept schemas take their places again, in one transaction; those that had them are set aside. Throws `transfer_schema_depends`, `transfer_replicated`, `transfer_swap_refused`. */
export function putSchemasBack(session: Session, of: RunId, standings: readonly Standing[]): Promise<void> {
  return inOneTransaction(session, standings.flatMap(({ one }) => nameOf(one)).join(', '), async () => {
    await takeUndoneKeysOff(session, standings);
    for (const { one, holder } of standings) {
      if (one.kind !== 'schema' || one.keptAs === undefined) continue;
      await refuseSchemaDependents(session, one.name);
      if (holder !== undefined) {
        await refuseReplicated(session, `Schema "${one.name}"`, [holder]);
        const aside = undonePlaceOf(one, of) ?? '';
        await session.query(`alter schema ${quoted(one.name)} rename to ${quoted(aside)}`);
      }
      await session.query(`alter schema ${quoted(one.keptAs)} rename to ${quoted(one.name)}`);
    }
    for (const { one } of standings) await putKeysOn(session, one);
  });
}

const nameOf = (one: Placed): readonly string[] => (one.kind === 'schema' ? [one.name] : []);
