import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { Client } from 'minio';
import type { OrderOf } from '#core/agent/order.ts';
import type { SetSummary } from '#core/backup/set-summary.ts';
import type { CareReport } from '#core/care/care-report.ts';
import type { CareTask, ClaimVerdict, DeletionClaim, DeletionTold } from '#core/care/care-task.ts';
import { parseObjectKey, pieceKey } from '#core/format/object-key.ts';
import type { RunId, SetId } from '#core/id.ts';
import type { BatchSummary } from '#core/log/batch-summary.ts';
import type { PoolAccess } from '#core/pool/pool-access.ts';
import type { StepContext } from '#core/ports/step.ts';
import { formatLsn } from '#core/wal/lsn.ts';
import { formatSegmentName } from '#core/wal/segment-name.ts';
import { careForPool } from '#agent/care/care-for-pool.ts';
import type { CareDeps } from '#agent/care/care-work.ts';
import type { Pool } from '#agent/pools/open-pool.ts';
import { createPool, openPool } from '#agent/pools/open-pool.ts';
import { beginSet } from '#agent/sets/begin-set.ts';
import { commitBackupSet } from '#agent/sets/commit-backup-set.ts';
import { putLogSegment, sealBatch } from '#agent/sets/log-objects.ts';
import { branchIdOf } from '#agent/codec/hash.ts';
import { sampleSet, sampleSystemId } from './samples.ts';
import { testIds } from './catalog.ts';
import { openFolder } from './folder.ts';
import { openMinio } from './minio.ts';

export const careClock = { nowMs: () => Date.now() };
export const branchId = branchIdOf('');
const segmentBytes = 1 << 20;

/** A pool with sets, leftovers and log, and a care agent whose questions the test answers. */
export interface CareStage {
  readonly access: PoolAccess;
  readonly pool: Pool;
  readonly home: string;
  readonly claims: DeletionClaim[];
  readonly told: DeletionTold[];
  /** What a claim is answered; granted unless a test says otherwise. */
  answer: (claim: DeletionClaim) => ClaimVerdict;
  /** Hears of each step that is told; a test that throws here kills the agent in between. */
  hear: (told: DeletionTold) => void;
  /** A committed set of one piece; returns its id. */
  commit(): Promise<SetId>;
  /** Pieces and `start` of a set that was never committed. */
  leave(): Promise<{ readonly setId: SetId; readonly runId: RunId }>;
  /** One committed batch of so many segments from a number on, after the hash of the batch before. */
  log(
    first: number,
    count: number,
    previousSha256: string,
  ): Promise<{ readonly batch: BatchSummary; readonly sha256: string }>;
  care(task: CareTask, runId?: RunId): Promise<CareReport>;
  keys(prefix?: string): Promise<readonly string[]>;
  close(): Promise<void>;
}

export type CarePool = 'local' | 'local encrypted' | 's3' | 's3 locked' | 's3 immutable';

export async function openCareStage(kind: CarePool): Promise<CareStage> {
  const folder = openFolder('hf-care-');
  const minio = kind.startsWith('s3') ? await openMinio() : undefined;
  const access: PoolAccess =
    minio === undefined
      ? {
          ...{ poolId: testIds('pool'), name: 'care', place: { kind: 'local', directory: join(folder.path, 'pool') } },
          secrets: kind === 'local' ? {} : { passphrase: 'four words of a pool' },
        }
      : {
          ...{ poolId: testIds('pool'), name: 'care' },
          place: {
            ...{ kind: 's3', endpoint: minio.endPoint, port: minio.port, isTls: false, region: 'us-east-1' },
            ...{ bucket: 'care', prefix: 'p/' },
            ...(kind === 's3 immutable' ? { immutableDays: 1 } : {}),
          },
          secrets: { s3: { accessKey: minio.accessKey, secretKey: minio.secretKey } },
        };
  if (minio !== undefined) {
    const { endPoint, port, accessKey, secretKey } = minio;
    await new Client({ endPoint, port, useSSL: false, accessKey, secretKey }).makeBucket('care', 'us-east-1', {
      ObjectLocking: kind === 's3 locked' || kind === 's3 immutable',
    });
  }
  await createPool(access, careClock);
  const pool = await openPool(access);
  const stage: CareStage = {
    ...{ access, pool, home: folder.path, claims: [], told: [] },
    answer: () => ({ verdict: 'granted' }),
    hear: () => undefined,
    commit: () => commitOne(pool),
    leave: () => leaveOne(pool),
    log: (first, count, previousSha256) => commitLog(pool, { first, count, previousSha256 }),
    care: (task, runId = testIds('run')) => {
      const order: OrderOf<'care'> = { kind: 'care', runId, hostId: testIds('host'), pool: access, task };
      return careForPool(depsOf(stage))(order, stepOf(runId));
    },
    keys: async (prefix = '') => {
      const found: string[] = [];
      for await (const { key } of pool.store.list(prefix)) found.push(key);
      return found;
    },
    close: async () => {
      await pool.close();
      await minio?.close();
      folder.remove();
    },
  };
  return stage;
}

/** Nothing of a stage is ever scrubbed. */
export const noScrub: Pick<CareDeps['channel'], 'nextToScrub' | 'tellScrubbed'> = {
  nextToScrub: () => Promise.resolve({ next: 'nothing', sets: 0, batches: 0, bytes: 0, damaged: 0 }),
  tellScrubbed: () => Promise.resolve(),
};

const depsOf = (stage: CareStage): CareDeps => ({
  ...{ home: stage.home, clock: careClock, newId: testIds },
  channel: {
    ...noScrub,
    claimDeletion: (_run, claim) => {
      stage.claims.push(claim);
      return Promise.resolve(stage.answer(claim));
    },
    tellDeleted: (_run, told) => {
      stage.hear(told);
      stage.told.push(told);
      return Promise.resolve();
    },
  },
});

const stepOf = (runId: RunId): StepContext => ({
  ...{ runId, signal: new AbortController().signal, limits: () => ({}) },
  ...{ report: () => undefined, log: () => undefined },
});

/** A committed set of one piece without log inside; returns its id. */
export async function commitOne(pool: Pool, more: Partial<SetSummary> = {}): Promise<SetId> {
  const summary = { ...sampleSet(testIds('res')), ...more };
  const { setId, runId, attemptId: attempt } = summary;
  const keys = await beginSet(pool, { setId, runId });
  const bytes = randomBytes(1000);
  await pool.store.putIfAbsent(pieceKey(setId, attempt, 1), bytes);
  const pieces = [{ piece: 1, attempt, storedBytes: bytes.length }];
  const members = [{ kind: 'directory' as const, path: 'pg_wal', mode: 448 }];
  await commitBackupSet(pool, keys, {
    ...{ summary: { ...summary, isConsistent: false }, pieces, frames: [], members, damagedPages: [] },
  });
  return setId;
}

async function leaveOne(pool: Pool): Promise<{ readonly setId: SetId; readonly runId: RunId }> {
  const [setId, runId, attempt] = [testIds('set'), testIds('run'), testIds('try')];
  await beginSet(pool, { setId, runId });
  for (let piece = 1; piece <= 3; piece++)
    await pool.store.putIfAbsent(pieceKey(setId, attempt, piece), randomBytes(500));
  await pool.store.barrier();
  return { setId, runId };
}

interface LogWish {
  readonly first: number;
  readonly count: number;
  readonly previousSha256: string;
}

/** Commits one batch of so many segments from a number on. */
export async function commitLog(pool: Pool, { first, count, previousSha256 }: LogWish) {
  const segments: BatchSummary['segments'][number][] = [];
  for (let number = first; number < first + count; number++) {
    const name = formatSegmentName({ timeline: 1, number }, segmentBytes);
    const put = await putLogSegment(pool, { systemId: sampleSystemId, branchId, name }, randomBytes(2000));
    const { rawSha256, storedSha256, storedBytes } = put;
    segments.push({
      ...{ name, object: name, from: formatLsn(number * segmentBytes), to: formatLsn((number + 1) * segmentBytes) },
      ...{ lastRecord: formatLsn(number * segmentBytes + 40), rawSha256, storedSha256, rawBytes: 2000, storedBytes },
      restorePoints: [],
    });
  }
  const batch: BatchSummary = {
    ...{ batchId: testIds('batch'), runId: testIds('run'), resourceId: testIds('res'), systemId: sampleSystemId },
    ...{ timeline: 1, branchId, history: '', segmentBytes, from: formatLsn(first * segmentBytes) },
    ...{ to: formatLsn((first + count) * segmentBytes), coveredUntil: sampleSet(testIds('res')).endedAt, segments },
    ...{ previousSha256, isAfterGap: false },
  };
  const sealed = sealBatch(pool, batch);
  await pool.store.putIfAbsent(parseObjectKey(sealed.key), sealed.stored);
  await pool.store.barrier();
  return { batch, sha256: sealed.storedSha256 };
}
