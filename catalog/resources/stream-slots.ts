import { z } from 'zod';
import type { ResourceId, RunId } from '#core/id.ts';
import type { SlotTold } from '#core/log/left-slot.ts';
import { runStateShape } from '#core/settings/shape/progress.ts';
import { countShape, idShape, lsnShape } from '#core/settings/shape/words.ts';
import type { Database } from '#catalog/database.ts';

/** A slot that keeps log and that no stream uses. */
export const leftSlotShape = z.object({
  resourceId: idShape('res'),
  resource: z.string(),
  runId: idShape('run'),
  slot: z.string(),
  keptBytes: countShape,
  from: lsnShape,
});
export type LeftSlot = z.output<typeof leftSlotShape>;

/** State of the newest stream of log of a resource; undefined when there was none. */
export async function newestStreamState(db: Database, id: ResourceId) {
  const [row] = await db.rows(
    z.object({ state: runStateShape }),
    `select state from run where kind = 'log-stream' and resource_id = $1 order by id desc limit 1`,
    [id],
  );
  return row?.state;
}

/** Keeps what an agent told last of the slot of a resource. */
export async function keepSlot(db: Database, resource: ResourceId, run: RunId, told: SlotTold): Promise<void> {
  if (told.state === 'gone') {
    await db.change('delete from stream_slot where resource_id = $1', [resource]);
    return;
  }
  await db.change(
    `insert into stream_slot (resource_id, run_id, slot, kept_bytes, kept_from) values ($1, $2, $3, $4, $5)
     on conflict (resource_id) do update set run_id = excluded.run_id, slot = excluded.slot,
       kept_bytes = excluded.kept_bytes, kept_from = excluded.kept_from, seen_at = now()`,
    [resource, run, told.slot, told.keptBytes, told.from],
  );
}

/** Slots that were left and that no open stream has taken up. */
export const leftSlots = (db: Database): Promise<LeftSlot[]> =>
  db.rows(
    leftSlotShape,
    `select s.resource_id as "resourceId", r.name as resource, s.run_id as "runId", s.slot,
            s.kept_bytes as "keptBytes", s.kept_from as "from"
       from stream_slot s join resource r on r.id = s.resource_id
      where not exists (select 1 from run o where o.kind = 'log-stream' and o.resource_id = s.resource_id
                          and o.state in ('queued', 'running', 'paused'))
      order by r.name`,
  );
