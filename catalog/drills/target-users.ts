import { z } from 'zod';
import { fail } from '#core/errors/fail.ts';
import type { HostId, ResourceId, RunId } from '#core/id.ts';
import type { JobSpec } from '#core/settings/job-spec.ts';
import { idShape } from '#core/settings/shape/words.ts';
import type { Database } from '#catalog/database.ts';
import { isOpenSql } from '#catalog/pools/leases.ts';

/** Part of an SQL text: a job with this specification works with the instance of resource `t`, by the lane of that resource. */
const isInLaneSql = (spec: string): string =>
  `(${spec} ->> 'resourceId' = t.id or ${spec} #>> '{plan,place,resourceId}' = t.id)`;

/**
 * Part of an SQL text: a job with this specification, on this host, works with the instance of resource `t` from another lane: it
 * backs up a standby whose primary that is, reads names from its catalog, or writes into its data directory or one above it.
 */
const isBesideLaneSql = (spec: string, host: string): string => {
  const directory = `coalesce(${spec} ->> 'directory', case when ${spec} ->> 'kind' = 'restore' then ${spec} #>> '{plan,place,directory}' end)`;
  return `(${spec} #>> '{standby,primaryId}' = t.id or ${spec} ->> 'namesFrom' = t.id
    or (${host} = t.host_id and (${directory} = t.data_directory
      or left(${directory}, length(t.data_directory) + 1) = t.data_directory || '/'
      or left(t.data_directory, length(rtrim(${directory}, '/')) + 1) = rtrim(${directory}, '/') || '/')))`;
};

const userShape = z.object({ run: idShape('run'), target: z.string() });

/**
 * Refuses to take an instance for a drill while a run is open that works with it. A run that waits for the lane of the instance does not
 * count: the drill has that lane, and comes first. Throws `drill_target_busy`.
 */
export async function demandUnused(
  db: Database,
  { id, runId }: { readonly id: ResourceId; readonly runId?: RunId },
): Promise<void> {
  const [user] = await db.rows(
    userShape,
    `select r.id as run, t.name as target from resource t, run r join job_revision v on v.job_id = r.job_id and v.n = r.revision
     where t.id = $1 and r.id <> coalesce($2, '') and ${isOpenSql}
       and ((r.state <> 'queued' and ${isInLaneSql('v.spec')}) or ${isBesideLaneSql('v.spec', 'r.host_id')})
     order by r.id limit 1`,
    [id, runId ?? null],
  );
  if (user !== undefined) throw fail('drill_target_busy', user);
}

interface Using {
  readonly spec: JobSpec;
  readonly hostId: HostId;
}

/**
 * Refuses a run before it is recorded: one that would work with an instance to which a drill is open, or a drill to an instance that
 * another run works with. Throws `drill_target_in_use`, `drill_target_busy`.
 */
export async function demandNoDrill(db: Database, { spec, hostId }: Using): Promise<void> {
  if (spec.kind === 'drill' && spec.target !== undefined) await demandUnused(db, { id: spec.target.resourceId });
  const [drill] = await db.rows(
    userShape,
    `select r.id as run, t.name as target from drill_target d join resource t on t.id = d.resource_id,
       run r join job_revision v on v.job_id = r.job_id and v.n = r.revision
     where r.kind = 'drill' and ${isOpenSql} and v.spec -> 'target' ->> 'resourceId' = t.id
       and (${isInLaneSql('$1::jsonb')} or ${isBesideLaneSql('$1::jsonb', '$2')}) order by r.id limit 1`,
    [JSON.stringify(spec), hostId],
  );
  if (drill !== undefined) throw fail('drill_target_in_use', drill);
}

/**
 * Refuses to begin the work of a run on an instance that a drill has taken. Whoever asks first goes on: taking a target and this wait
 * for each other. Throws `drill_target_in_use`.
 */
export const demandNotTaken = (
  db: Database,
  { runId, spec, hostId }: Using & { readonly runId: RunId },
): Promise<void> =>
  db.transaction(async (inside) => {
    const taken = await inside.rows(
      z.object({ run: idShape('run').nullable(), target: z.string() }),
      `select d.run_id as run, t.name as target from drill_target d join resource t on t.id = d.resource_id
       where ${isInLaneSql('$1::jsonb')} or ${isBesideLaneSql('$1::jsonb', '$2')} order by t.id for update of d`,
      [JSON.stringify(spec), hostId],
    );
    for (const { run, target } of taken) {
      if (run === null || run === runId || !(await isOpen(inside, run))) continue;
      throw fail('drill_target_in_use', { target, run });
    }
  });

const isOpen = async (db: Database, run: RunId): Promise<boolean> =>
  (await db.rows(z.unknown(), `select 1 from run r where r.id = $1 and ${isOpenSql}`, [run])).length > 0;
