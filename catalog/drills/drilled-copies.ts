import { z } from 'zod';
import { fail } from '#core/errors/fail.ts';
import type { HostId, ResourceId, RunId } from '#core/id.ts';
import type { Instant } from '#core/instant.ts';
import { idShape, instantShape } from '#core/settings/shape/words.ts';
import type { Database } from '#catalog/database.ts';
import { openDrillTo } from './drill-targets.ts';
import { isOpenSql } from '#catalog/pools/leases.ts';

/** Data of a source in the place of another resource, put there by a drill. */
export interface DrilledCopy {
  readonly resourceId: ResourceId;
  /** That of the source: the restored instance has it, too. */
  readonly systemId: string;
  readonly source: { readonly id: ResourceId; readonly name: string };
  readonly runId: RunId;
}

/** Notes what a run is about to restore there: whoever looks at that instance meanwhile knows whose it is. Idempotent. */
export const expectCopy = (db: Database, { resourceId, systemId, source, runId }: DrilledCopy): Promise<number> =>
  db.change(
    `insert into drilled_copy (resource_id, system_id, source_id, source_name, run_id) values ($1, $2, $3, $4, $5)
     on conflict (resource_id, system_id) do update set run_id = excluded.run_id, source_name = excluded.source_name`,
    [resourceId, systemId, source.id, source.name, runId],
  );

/** Notes that the resource holds this copy and nothing else. `knownUntil`: the moment up to which it knows its source. */
export async function keepCopy(db: Database, copy: DrilledCopy, knownUntil: Instant): Promise<void> {
  await expectCopy(db, copy);
  await db.change('delete from drilled_copy where resource_id = $1 and system_id <> $2', [
    copy.resourceId,
    copy.systemId,
  ]);
  await db.change('update drilled_copy set known_until = $2, source_id = $3 where resource_id = $1', [
    ...[copy.resourceId, knownUntil, copy.source.id],
  ]);
}

/** Something else is there now, or nothing. */
export const forgetCopies = (db: Database, resourceId: ResourceId): Promise<number> =>
  db.change('delete from drilled_copy where resource_id = $1', [resourceId]);

interface InstancePlace {
  readonly hostId: HostId;
  readonly dataDirectory: string;
  readonly systemId: string;
}

/** The resource in whose directory a drill put, or is putting, a database of this system identifier; it is none of its own. */
export async function resourceWithCopy(
  db: Database,
  { hostId, dataDirectory, systemId }: InstancePlace,
): Promise<ResourceId | undefined> {
  const [row] = await db.rows(
    z.object({ id: idShape('res') }),
    `select s.id from resource s join drilled_copy c on c.resource_id = s.id left join run r on r.id = c.run_id
     where s.host_id = $1 and s.data_directory = $2 and c.system_id = $3 and s.system_id <> $3
       and (c.known_until is not null or ${isOpenSql})`,
    [hostId, dataDirectory, systemId],
  );
  return row?.id;
}

const heldShape = z.object({ resource: z.string(), source: z.string(), at: instantShape });

/** Refuses to back up what a drill put in the place of a resource: it is a copy, and its log is that of its source. Throws `resource_holds_copy`. */
export async function demandNoCopy(db: Database, id: ResourceId): Promise<void> {
  const [held] = await db.rows(
    heldShape,
    `select s.name as resource, c.source_name as source, c.known_until as at
     from drilled_copy c join resource s on s.id = c.resource_id where c.resource_id = $1 and c.known_until is not null`,
    [id],
  );
  if (held !== undefined) throw fail('resource_holds_copy', held);
}

/** As `demandNoCopy`, and refuses while a drill is about to put a copy there. Throws `resource_holds_copy`, `drill_target_in_use`. */
export async function demandOwnData(db: Database, id: ResourceId): Promise<void> {
  await demandNoCopy(db, id);
  const run = await openDrillTo(db, id);
  if (run === undefined) return;
  const [named] = await db.rows(z.object({ name: z.string() }), 'select name from resource where id = $1', [id]);
  throw fail('drill_target_in_use', { target: named?.name ?? id, run });
}
