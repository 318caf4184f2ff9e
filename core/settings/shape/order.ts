import { z } from 'zod';
import { verifyDepths } from '../../care/verify-depth.ts';
import type { BaseOfBackup, Inspection, InstanceAccess, NamesPlace, Order } from '../../agent/order.ts';
import { backupOptionsShape, channelsField, compressionShape, resumeBufferField } from '../backup-options.ts';
import { poolAccessShape } from '../pool-settings.ts';
import { restorePlanShape } from '../restore-options.ts';
import { changedPagesSourceShape, setSummaryShape } from './committed.ts';
import { contentsViewShape, wantedNameShape } from './contents.ts';
import { careTaskShape, newMarkShape } from './care.ts';
import { canaryAbsentShape, canaryExpectedShape, drillChecksShape, drillTargetOfOrderShape } from './drill.ts';
import { drillVerdictShape, targetInstanceShape, targetMarkShape } from './drill.ts';
import { logRestorePlanShape } from './log-restore.ts';
import { logicalBackupOptionsShape } from '../logical-options.ts';
import { logicalOptionsShape, logicalTaskShape, treeViewShape } from './logical.ts';
import { poolCopyTaskShape } from './pool-copy.ts';
import { rateLimitsShape } from './progress.ts';
import { settleTaskShape, transferTaskShape } from './transfer.ts';
import { countShape, idShape, pathShape, segmentShape } from './words.ts';

export const instanceAccessShape: z.ZodType<InstanceAccess> = z.looseObject({
  resourceId: idShape('res'),
  engine: z.string(),
  dataDirectory: pathShape,
  socket: z.string(),
  port: z.number().int().min(0).max(65535),
  login: z.looseObject({ user: z.string(), password: z.string(), database: z.string() }).exactOptional(),
  systemId: z.string(),
});

const baseOfBackupShape: z.ZodType<BaseOfBackup> = z.looseObject({
  summary: setSummaryShape,
  wanted: z.enum(['differential', 'cumulative']),
  source: changedPagesSourceShape.exactOptional(),
});

const head = { runId: idShape('run'), hostId: idShape('host') };
const neededShape = z.looseObject({ timeline: countShape, segment: segmentShape });

/** An order as it crosses `/agent/v1`; the agent parses what it fetched with it. */
export const orderShape: z.ZodType<Order> = z.discriminatedUnion('kind', [
  z.looseObject({
    ...head,
    kind: z.literal('full-backup'),
    setId: idShape('set'),
    instance: instanceAccessShape,
    pool: poolAccessShape,
    options: backupOptionsShape,
    isOffline: z.boolean().exactOptional(),
    standby: z.looseObject({ primary: instanceAccessShape.exactOptional() }).exactOptional(),
    base: baseOfBackupShape.exactOptional(),
    becomesFull: z.string().exactOptional(),
    archive: z
      .looseObject({ pools: z.array(poolAccessShape).min(1), neededFrom: z.array(neededShape) })
      .exactOptional(),
  }),
  z.looseObject({
    ...head,
    kind: z.literal('log-backup'),
    instance: instanceAccessShape,
    pools: z.array(poolAccessShape).min(1),
    options: backupOptionsShape,
    neededFrom: z.array(neededShape),
    canary: z.looseObject({ database: z.string(), staticTables: z.array(z.string()) }).exactOptional(),
  }),
  z.looseObject({
    ...head,
    kind: z.literal('log-stream'),
    instance: instanceAccessShape,
    pool: poolAccessShape,
    options: backupOptionsShape,
    tailSeconds: countShape,
  }),
  z.looseObject({
    ...head,
    kind: z.literal('restore'),
    pool: poolAccessShape,
    plan: restorePlanShape,
    limits: rateLimitsShape,
    channels: channelsField,
    resumeBufferBytes: resumeBufferField.exactOptional(),
    instance: instanceAccessShape.exactOptional(),
  }),
  z.looseObject({
    ...head,
    kind: z.literal('verify-set'),
    pool: poolAccessShape,
    setId: idShape('set'),
    depth: z.enum(verifyDepths),
  }),
  z.looseObject({
    ...head,
    kind: z.literal('merge-set'),
    pool: poolAccessShape,
    from: idShape('set'),
    setId: idShape('set'),
    name: newMarkShape.exactOptional(),
    compression: compressionShape,
    channels: channelsField,
    limits: rateLimitsShape,
    resumeBufferBytes: resumeBufferField.exactOptional(),
  }),
  z.looseObject({
    ...{ ...head, kind: z.literal('extract-set'), pool: poolAccessShape, setId: idShape('set'), what: z.string() },
    ...{ directory: pathShape, instance: instanceAccessShape.exactOptional() },
  }),
  z.looseObject({
    ...{ ...head, kind: z.literal('pool-copy'), from: poolAccessShape, to: poolAccessShape },
    ...{ task: poolCopyTaskShape, limits: rateLimitsShape },
  }),
  z.looseObject({
    ...{ ...head, kind: z.literal('drill'), pool: poolAccessShape, plan: restorePlanShape, limits: rateLimitsShape },
    ...{ channels: channelsField, resourceId: idShape('res'), user: z.string().exactOptional() },
    ...{ sourceDirectory: pathShape.exactOptional(), checks: drillChecksShape },
    target: drillTargetOfOrderShape.exactOptional(),
    canaryAbsent: canaryAbsentShape.exactOptional(),
    ...{ canary: canaryExpectedShape.exactOptional(), told: drillVerdictShape.exactOptional() },
  }),
  z.looseObject({
    ...{ ...head, kind: z.literal('log-restore'), pool: poolAccessShape, directory: pathShape },
    ...{ plan: logRestorePlanShape, limits: rateLimitsShape },
  }),
  z.looseObject({
    ...{ ...head, kind: z.literal('logical-backup'), setId: idShape('set'), jobId: idShape('job') },
    ...{ instance: instanceAccessShape, pool: poolAccessShape },
    ...{ options: logicalBackupOptionsShape, logical: logicalOptionsShape },
  }),
  z.looseObject({
    ...{ ...head, kind: z.literal('logical-care'), pool: poolAccessShape, task: logicalTaskShape },
    limits: rateLimitsShape,
  }),
  z.looseObject({
    ...{ ...head, kind: z.literal('database-recovery'), instance: instanceAccessShape, pool: poolAccessShape },
    ...{ plan: restorePlanShape, channels: channelsField, limits: rateLimitsShape, task: transferTaskShape },
    resumeBufferBytes: resumeBufferField.exactOptional(),
  }),
  z.looseObject({
    ...{ ...head, kind: z.literal('logical-restore'), instance: instanceAccessShape, pool: poolAccessShape },
    ...{ setId: idShape('set'), channels: channelsField, limits: rateLimitsShape, task: transferTaskShape },
  }),
  z.looseObject({
    ...{ ...head, kind: z.literal('settle-transfer'), instance: instanceAccessShape, task: settleTaskShape },
  }),
  z.looseObject({ ...head, kind: z.literal('no-op'), seconds: countShape }),
  z.looseObject({ ...head, kind: z.literal('rebuild'), pool: poolAccessShape }),
  z.looseObject({ ...head, kind: z.literal('care'), pool: poolAccessShape, task: careTaskShape }),
]);

const namesPlaceShape: z.ZodType<NamesPlace> = z.discriminatedUnion('in', [
  z.looseObject({ in: z.literal('instance'), instance: instanceAccessShape }),
  z.looseObject({ in: z.enum(['set', 'logical-set']), pool: poolAccessShape, setId: idShape('set') }),
]);

/** A question to an agent as it crosses `/agent/v1`. */
export const inspectionShape: z.ZodType<Inspection> = z.discriminatedUnion('kind', [
  z.looseObject({
    kind: z.literal('preflight'),
    instance: instanceAccessShape,
    archiveDirectory: pathShape.exactOptional(),
  }),
  z.looseObject({ kind: z.literal('login'), instance: instanceAccessShape }),
  z.looseObject({
    ...{ kind: z.literal('place'), isCopy: z.boolean(), directory: pathShape, tablespaces: z.array(pathShape) },
    ...{ isDelta: z.boolean().exactOptional(), isOfLog: z.boolean().exactOptional() },
    ...{ bytes: countShape, systemId: z.string() },
  }),
  z.looseObject({
    ...{ kind: z.literal('drill-target'), does: z.enum(['look', 'mark', 'unmark']), ...targetInstanceShape },
    ...{ mark: targetMarkShape, foreignSystems: z.array(z.string()) },
  }),
  z.looseObject({ kind: z.literal('mark-set'), pool: poolAccessShape, mark: newMarkShape }),
  z.looseObject({ kind: z.enum(['pool-create', 'pool-test', 'pool-rotate', 'pool-kit']), pool: poolAccessShape }),
  z.looseObject({ kind: z.literal('scratch'), bytes: countShape }),
  z.looseObject({
    ...{ kind: z.literal('canary'), instance: instanceAccessShape },
    canary: z.looseObject({ database: z.string(), staticTables: z.array(z.string()) }),
  }),
  z.looseObject({ kind: z.literal('names'), where: namesPlaceShape, wanted: z.array(wantedNameShape) }),
  z.looseObject({ kind: z.literal('content-tree'), instance: instanceAccessShape, view: treeViewShape }),
  z.looseObject({
    kind: z.literal('set-contents'),
    pool: poolAccessShape,
    setId: idShape('set'),
    view: contentsViewShape,
    instance: instanceAccessShape.exactOptional(),
  }),
]);
