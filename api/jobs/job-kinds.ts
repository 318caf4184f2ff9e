import { z } from 'zod';
import { fail } from '#core/errors/fail.ts';
import type { PlanType } from '#core/plan/plan.ts';
import { planTypes } from '#core/plan/plan.ts';
import { prepareRecovery, recoveryBody } from '#api/routes/restores/database-recovery.ts';
import { drillBody, prepareDrill } from '#api/routes/drills/drills.ts';
import { logRestoreBody, prepareLogRestore } from '#api/routes/restores/log-restores.ts';
import { logicalRestoreBody, prepareLogicalRestore } from '#api/routes/restores/logical-restores.ts';
import { copyBody, prepareCopy } from '#api/routes/pools/pool-copies.ts';
import { prepareRestore, restoreBody } from '#api/routes/restores/restores.ts';
import { noOpBody, prepareNoOp } from '#api/routes/runs/runs.ts';
import { prepareScrub, scrubBody } from '../routes/scrub.ts';
import { logicalBody, prepareLogical } from '#api/starts/start-logical.ts';
import { backupBodies, prepareBackup } from '#api/starts/start-backup.ts';
import type { JobKind } from './job-kind.ts';
import { jobKind } from './job-kind.ts';

/** K-099: a restore is not repeated by a clock. */
const plansOfRestore = ['immediate', 'once', 'manual'] as const satisfies readonly PlanType[];

/** K-105: a drill comes again and again, or is started by hand. */
const plansOfDrill = ['hourly', 'daily', 'weekly', 'monthly', 'manual'] as const satisfies readonly PlanType[];

const backups = backupBodies.map((body) =>
  jobKind({
    ...{ kind: body.shape.kind.value, plans: planTypes, permission: 'run-backups', isCloned: true },
    body,
    prepare: async (context, asked) => {
      const { spec, resource, pool } = await prepareBackup(context, asked);
      return { spec, asked: { ...asked, resource: resource.id, pool: pool.id } };
    },
  }),
);

/**
 * Kinds of work that a job may have, over the same bodies as runs that are started by hand. A kind that is added here can be
 * planned, edited and started like any other.
 */
const jobKinds: readonly JobKind[] = [
  ...backups,
  jobKind({
    ...{ kind: 'restore', plans: plansOfRestore, permission: 'run-restores', isPreparedAnew: true },
    body: restoreBody.extend({ kind: z.literal('restore') }),
    prepare: async (context, { kind, ...body }) => {
      const { spec, resource } = await prepareRestore(context, body);
      return { spec, asked: { ...body, kind, resource: resource.id } };
    },
  }),
  jobKind({
    ...{ kind: 'logical-backup', plans: planTypes, permission: 'run-backups', isCloned: true },
    body: logicalBody,
    prepare: async (context, asked) => {
      const { spec, resource, pool } = await prepareLogical(context, asked);
      return { spec, asked: { ...asked, resource: resource.id, pool: pool.id } };
    },
  }),
  jobKind({
    ...{ kind: 'log-restore', plans: plansOfRestore, permission: 'run-restores', isPreparedAnew: true },
    body: logRestoreBody.extend({ kind: z.literal('log-restore') }),
    prepare: async (context, { kind, ...body }) => {
      const { spec, resource } = await prepareLogRestore(context, body);
      return { spec, asked: { ...body, kind, resource: resource.id } };
    },
  }),
  jobKind({
    ...{ kind: 'database-recovery', plans: plansOfRestore, permission: 'run-restores', isPreparedAnew: true },
    body: recoveryBody.extend({ kind: z.literal('database-recovery') }),
    prepare: async (context, { kind, ...body }) => {
      const { spec, resource } = await prepareRecovery(context, body);
      return { spec, asked: { ...body, kind, resource: resource.id } };
    },
  }),
  jobKind({
    ...{ kind: 'drill', plans: plansOfDrill, permission: 'run-restores', isCloned: true },
    body: drillBody.extend({ kind: z.literal('drill') }),
    prepare: async (context, { kind, ...body }) => {
      const { spec, resource } = await prepareDrill(context, body);
      return { spec, asked: { ...body, kind, resource: resource.id } };
    },
  }),
  jobKind({
    ...{ kind: 'logical-restore', plans: plansOfRestore, permission: 'run-restores' },
    body: logicalRestoreBody.extend({ kind: z.literal('logical-restore') }),
    prepare: async (context, { kind, ...body }) => {
      const { spec, into } = await prepareLogicalRestore(context, body);
      return { spec, asked: { ...body, kind, into: into.id } };
    },
  }),
  jobKind({
    ...{ kind: 'scrub', plans: planTypes, permission: 'run-backups' },
    body: scrubBody.extend({ kind: z.literal('scrub'), pool: z.string() }),
    prepare: async (context, { kind, pool: named, ...body }) => {
      const { spec, pool } = await prepareScrub(context, named, body);
      return { spec, asked: { ...body, kind, pool: pool.id } };
    },
  }),
  jobKind({
    ...{ kind: 'pool-copy', plans: planTypes, permission: 'run-backups' },
    body: copyBody.extend({ kind: z.literal('pool-copy'), pool: z.string() }),
    prepare: async (context, { kind, pool: named, ...body }) => {
      const { spec, from, to } = await prepareCopy(context, named, body);
      return { spec, asked: { ...body, kind, pool: from.id, to: to.id } };
    },
  }),
  jobKind({
    ...{ kind: 'no-op', plans: planTypes, permission: 'run-backups' },
    body: noOpBody,
    prepare: async (context, asked) => {
      const spec = await prepareNoOp(context, asked);
      return { spec, asked: { ...asked, host: spec.hostId } };
    },
  }),
];

export const kindsOfWork: readonly string[] = jobKinds.map(({ kind }) => kind);

const [first, ...rest] = jobKinds.map(({ body }) => body);
/** What `POST /jobs` takes as `work`. */
export const workBody = z
  .discriminatedUnion('kind', first === undefined ? [z.object({ kind: z.literal('none') })] : [first, ...rest])
  .meta({ id: 'JobWork', description: 'what a job does: the body of the run that it starts, by its kind' });

/** Throws `request_invalid` for a kind that no job has. */
export function kindOfWork(work: Readonly<Record<string, unknown>> | null): JobKind {
  const found = jobKinds.find(({ kind }) => kind === work?.['kind']);
  if (found === undefined) throw fail('request_invalid', { pointer: '/work/kind', reason: 'no job has this kind' });
  return found;
}
