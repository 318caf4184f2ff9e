import { bug } from '#core/errors/fail.ts';
import { formatLsn, lsnToNumber, parseLsn } from '#core/wal/lsn.ts';
import { segmentOf } from '#core/wal/segment-name.ts';
import type { LiveRun } from './holdfast-client.ts';
import { pollUntil, waitFor } from '../supervisor/wait.ts';
import type { PoolObject } from './pool-view.ts';
import { beginAbandonedBackup, forgetAcknowledged, isSabotaged, withObjectHidden } from './sabotage.ts';
import type { Stage } from './stage.ts';

const backupTimeoutMs = 150_000;
/** Lower than the disk, so that the second full lasts 15 s at least and can be killed in its middle. */
const secondFullSeconds = 18;

export interface SetFacts {
  readonly id: string;
  readonly runId: string;
  readonly storedBytes: number;
  readonly rawBytes: number;
  readonly tablespaces: readonly { readonly oid: number; readonly path: string }[];
}

interface SetAnswer {
  readonly id: string;
  readonly summary: {
    readonly storedBytes: number;
    readonly rawBytes: number;
    readonly tablespaces: SetFacts['tablespaces'];
  };
}

const startFull = (stage: Stage, limits: object): Promise<{ id: string }> => {
  const { resource, pool } = stage;
  const options = { channels: 2, limits, archiveDirectory: stage.source.archiveDirectory };
  return stage.client.post('/runs', { kind: 'full-backup', resource, pool, options });
};

/** What the catalog says about the set of a run. */
export const factsOf = async (stage: Stage, live: LiveRun): Promise<SetFacts> => {
  const set = await stage.client.get<SetAnswer>(`/backup-sets/${live.run.setId ?? ''}`);
  const { storedBytes, rawBytes, tablespaces } = set.summary;
  return { id: set.id, runId: live.run.id, storedBytes, rawBytes, tablespaces };
};

/** A full backup as fast as the machine allows. */
export async function backUp(stage: Stage): Promise<SetFacts> {
  const { id } = await startFull(stage, {});
  const set = await factsOf(stage, await stage.client.untilDone(id, backupTimeoutMs));
  const look = async (): Promise<void> => {
    const metas = (await stage.poolView.list('sets/')).filter(({ key }) => key.endsWith('/meta'));
    stage.checks.compare(
      'set-is-in-the-pool',
      [`sets/${set.id}/meta`],
      metas.map(({ key }) => key),
      'API and pool name the same set',
    );
  };
  const isHidden = isSabotaged(stage, 'set-is-in-the-pool');
  await (isHidden ? withObjectHidden(stage.poolView, `sets/${set.id}/meta`, look) : look());
  return set;
}

const isPiece = ({ key }: PoolObject): boolean => key.includes('/piece-');
export const sumBytes = (objects: readonly PoolObject[]): number =>
  objects.reduce((total, { bytes }) => total + bytes, 0);
export const piecesOf = async (stage: Stage, setId: string): Promise<readonly PoolObject[]> =>
  (await stage.poolView.list(`sets/${setId}/`)).filter(isPiece);

export interface KilledFull {
  readonly set: SetFacts;
  readonly acknowledgedBytes: number;
  readonly acknowledgedPieces: number;
  readonly temporalUrl: string | undefined;
}

/** A second full, throttled; its agent is killed with SIGKILL in the middle and started again. Nobody else acts. */
export async function backUpThroughKill(stage: Stage, first: SetFacts): Promise<KilledFull> {
  const { id } = await startFull(stage, { transferBytesPerSecond: Math.floor(first.storedBytes / secondFullSeconds) });
  const { run } = await stage.client.run(id);
  const setId = run.setId ?? '';
  const share = isSabotaged(stage, 'killed-in-the-middle') ? 0.75 : 0.45;
  await pollUntil(
    async () => {
      const pieces = await piecesOf(stage, setId);
      return pieces.length >= 2 && sumBytes(pieces) >= share * first.storedBytes ? pieces : undefined;
    },
    { what: 'the middle of the second full backup', timeoutMs: backupTimeoutMs },
  );
  await stage.stack.kill('agent');
  const acknowledged = await piecesOf(stage, setId);
  stage.options.say(`  killed the agent with ${String(acknowledged.length)} pieces in the pool`);
  if (isSabotaged(stage, 'nothing-sent-again')) forgetAcknowledged(stage, id);
  await stage.stack.start('agent');
  const live = await stage.client.untilFinal(id, backupTimeoutMs);
  const killed = { id, setId, acknowledged };
  await checkKilled(stage, first, killed);
  await checkState(stage, killed, live);
  const { temporalUrl } = await stage.client.run(id);
  return {
    set: await factsOf(stage, live),
    acknowledgedBytes: sumBytes(acknowledged),
    acknowledgedPieces: acknowledged.length,
    temporalUrl,
  };
}

interface Killed {
  readonly id: string;
  readonly setId: string;
  readonly acknowledged: readonly PoolObject[];
}

async function checkKilled(stage: Stage, first: SetFacts, { setId, acknowledged }: Killed): Promise<void> {
  const pieces = await piecesOf(stage, setId);
  const share = sumBytes(acknowledged) / first.storedBytes;
  const isMiddle = acknowledged.length >= 2 && share >= 0.4 && share <= 0.6;
  stage.checks.record(
    'killed-in-the-middle',
    isMiddle,
    `${(share * 100).toFixed(0)} % of the bytes in ${String(acknowledged.length)} pieces`,
  );
  // Why 1.05: the workload between the two sets added a little; a repeated acknowledged byte would add 40 % and more.
  const ratio = sumBytes(pieces) / first.storedBytes;
  const isKept = acknowledged.every((old) => pieces.some(({ key, bytes }) => key === old.key && bytes === old.bytes));
  stage.checks.record(
    'nothing-sent-again',
    isKept && ratio <= 1.05,
    `the pool holds ${ratio.toFixed(3)} × the bytes of the first set`,
  );
}

/** A server notices a closed connection a moment after its client. */
const goodbyeMs = 2000;

const sessionsOf = async ({ sql }: Stage): Promise<number> => {
  const { rows } = await sql.query<{ n: number }>(
    "select count(*)::int as n from pg_stat_activity where application_name like 'holdfast%'",
  );
  return rows[0]?.n ?? -1;
};

async function checkState(stage: Stage, { id, setId }: Killed, live: LiveRun): Promise<void> {
  const metaKey = `sets/${setId}/meta`;
  const look = async (): Promise<void> => {
    const isCommitted = (await stage.poolView.list(`sets/${setId}/`)).some(({ key }) => key === metaKey);
    const found = [live.run.state, isCommitted];
    stage.checks.compare('killed-run-succeeds', ['succeeded', true], found, `state of ${id} and the set in the pool`);
  };
  const isHidden = isSabotaged(stage, 'killed-run-succeeds');
  await (isHidden ? withObjectHidden(stage.poolView, metaKey, look) : look());
  const left = isSabotaged(stage, 'no-backup-session-left') ? await beginAbandonedBackup(stage) : undefined;
  let sessions = await sessionsOf(stage);
  await waitFor(async () => (sessions = await sessionsOf(stage)) === 0, goodbyeMs);
  stage.checks.compare('no-backup-session-left', 0, sessions, 'sessions that PostgreSQL still sees');
  await left?.end();
}

/**
 * The segment that holds the last byte the server has written. Right after a switch that is the one before the current
 * one, which is still empty and never archived.
 */
const lastSegment = async ({ sql }: Stage): Promise<string> => {
  const { rows } = await sql.query<{ lsn: string; timeline: number; bytes: string }>(
    `select pg_current_wal_lsn()::text as lsn, (select timeline_id from pg_control_checkpoint()) as timeline,
            (select setting from pg_settings where name = 'wal_segment_size') as bytes`,
  );
  const [found] = rows;
  if (found === undefined) throw bug('the server did not tell its place in the log');
  const lastByte = formatLsn(lsnToNumber(parseLsn(found.lsn)) - 1);
  return segmentOf(found.timeline, lastByte, Number(found.bytes));
};

/** A log backup; the segment that the server wrote to before it must be in the pool after it. */
export async function backUpLog(stage: Stage): Promise<{ segments: number; storedBytes: number }> {
  // Something that only this log backup can bring: the set before it has closed its segment.
  await stage.sql.query(`select pg_logical_emit_message(true, 'holdfast', 'before the log backup')`);
  const last = await lastSegment(stage);
  const { resource, pool } = stage;
  const options = { archiveDirectory: stage.source.archiveDirectory };
  const { id } = await stage.client.post<{ id: string }>('/runs', { kind: 'log-backup', resource, pool, options });
  const live = await stage.client.untilDone(id, backupTimeoutMs);
  const object = (await stage.poolView.list('logs/')).find(
    ({ key }) => key.includes(last) && !key.includes('/batches/'),
  );
  const look = async (): Promise<void> => {
    const isThere = (await stage.poolView.list('logs/')).some(
      ({ key }) => key.includes(last) && !key.includes('/batches/'),
    );
    stage.checks.record('log-is-in-the-pool', isThere, `segment ${last}, in which the server had written last`);
  };
  const isHidden = isSabotaged(stage, 'log-is-in-the-pool') && object !== undefined;
  await (isHidden ? withObjectHidden(stage.poolView, object.key, look) : look());
  const report = live.run.outcome?.result ?? {};
  return { segments: Number(report['segments'] ?? 0), storedBytes: Number(report['storedBytes'] ?? 0) };
}
