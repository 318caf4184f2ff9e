import { existsSync, readFileSync, readdirSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import pg from 'pg';
import { expect } from 'vitest';
import { bug } from '#core/errors/fail.ts';
import { z } from 'zod';
import type { LiveRun } from '#scripts/demo/holdfast-client.ts';
import { proveTables } from '#scripts/demo/workload.ts';
import { pollUntil, waitFor } from '#scripts/supervisor/wait.ts';
import type { KillStage, StartedRun } from './kill-stage.ts';
import { copyDirectory, dropCopy, runTimeoutMs, startCopy, untilOver } from './kill-stage.ts';

/** An object of the pool as the file system tells it: the same inode and time mean that nobody put it again. */
export interface PoolFile {
  readonly key: string;
  readonly bytes: number;
  readonly inode: number;
  readonly changedMs: number;
}

/** Every object of the pool below a prefix, read past Holdfast; files that are being written are no objects. */
export const poolFiles = ({ poolDirectory }: Pick<KillStage, 'poolDirectory'>, below = ''): readonly PoolFile[] => {
  const root = join(poolDirectory, below);
  if (!existsSync(root)) return [];
  const names = readdirSync(root, { recursive: true, encoding: 'utf8' });
  return names.flatMap((name) => {
    const stat = statSync(join(root, name), { throwIfNoEntry: false });
    if (stat?.isFile() !== true || basename(name).startsWith('.')) return [];
    return [{ key: join(below, name), bytes: stat.size, inode: stat.ino, changedMs: stat.mtimeMs }];
  });
};

/** Ids of the sets that have `meta`, by the pool's own listing. */
export const setsInPool = (stage: Pick<KillStage, 'poolDirectory'>): readonly string[] =>
  poolFiles(stage, 'sets')
    .flatMap(({ key }) => /^sets\/([^/]+)\/meta$/.exec(key)?.[1] ?? [])
    .sort();

/** Ids of the sets that the API shows, page by page. */
export const setsInApi = async ({ api }: Pick<KillStage, 'api'>): Promise<readonly string[]> => {
  const ids: string[] = [];
  let cursor: string | null = '';
  while (cursor !== null) {
    const from: string = cursor === '' ? '' : `&cursor=${cursor}`;
    const page = await api.get<{ data: { id: string }[]; nextCursor: string | null }>(`/backup-sets?limit=100${from}`);
    ids.push(...page.data.map(({ id }) => id));
    cursor = page.nextCursor;
  }
  return ids.sort();
};

export const isCommitted = ({ poolDirectory }: Pick<KillStage, 'poolDirectory'>, setId: string): boolean =>
  existsSync(join(poolDirectory, 'sets', setId, 'meta'));

const isPiece = ({ key }: PoolFile): boolean => key.includes('/piece-');
export const piecesOf = (stage: Pick<KillStage, 'poolDirectory'>, setId: string): readonly PoolFile[] =>
  poolFiles(stage, join('sets', setId)).filter(isPiece);
export const bytesOf = (files: readonly PoolFile[]): number => files.reduce((sum, { bytes }) => sum + bytes, 0);

/** How many attempts put pieces of a set. */
export const attemptsOf = (stage: Pick<KillStage, 'poolDirectory'>, setId: string): number =>
  new Set(piecesOf(stage, setId).map(({ key }) => key.split('/')[2])).size;

/** Waits until a share of a set's bytes, in two pieces at least, is in the pool. */
export const untilShareIsPut = (stage: KillStage, setId: string, share: number): Promise<readonly PoolFile[]> =>
  pollUntil(
    () => {
      const pieces = piecesOf(stage, setId);
      const isThere = pieces.length >= 2 && bytesOf(pieces) >= share * stage.storedBytes;
      return Promise.resolve(isThere ? pieces : undefined);
    },
    { what: `${String(share)} of set ${setId}`, timeoutMs: runTimeoutMs },
  );

const lineShape = z.object({ piece: z.object({ piece: z.number(), attempt: z.string() }) });

/** Number and attempt of each piece that the agent of a run has on record as acknowledged; a line half written is none. */
const recordedPieces = (path: string): readonly string[] => {
  if (!existsSync(path)) return [];
  return readFileSync(path, 'utf8')
    .split('\n')
    .flatMap((line) => {
      if (!line.endsWith('}')) return [];
      const { piece } = lineShape.parse(JSON.parse(line));
      return [`${piece.attempt}/piece-${String(piece.piece).padStart(6, '0')}.bak`];
    });
};

/** What is in the pool when an agent has just been killed: acknowledged pieces, and those that were on their way. */
export interface AtKill {
  readonly acknowledged: readonly PoolFile[];
  readonly onTheWay: readonly PoolFile[];
}

export function piecesAtKill({ stack, poolDirectory }: KillStage, run: StartedRun): AtKill {
  const recorded = recordedPieces(join(stack.places.agentHome, 'runs', run.id, 'acknowledged.ndjson'));
  const pieces = piecesOf({ poolDirectory }, run.setId);
  const isRecorded = ({ key }: PoolFile): boolean => recorded.some((name) => key.endsWith(`/${name}`));
  return { acknowledged: pieces.filter(isRecorded), onTheWay: pieces.filter((piece) => !isRecorded(piece)) };
}

/** No session of Holdfast is left on the source, and with it no backup mode; the server may take a moment to notice. */
export async function expectNoSession({ sql }: Pick<KillStage, 'sql'>): Promise<void> {
  const sessions = async (): Promise<string | undefined> => {
    const text = "select count(*)::text as n from pg_stat_activity where application_name like 'holdfast%'";
    return (await sql.query<{ n: string }>(text)).rows[0]?.n;
  };
  await waitFor(async () => (await sessions()) === '0', 10_000);
  expect(await sessions()).toBe('0');
}

/** The run succeeded, and what can be seen is what is committed, by two independent listings. */
export async function expectSucceeded(stage: KillStage, run: StartedRun): Promise<LiveRun> {
  const live = await untilOver(stage, run.id).catch(async (cause: unknown) => {
    const found = JSON.stringify(await stage.api.get(`/runs/${run.id}`));
    throw bug(`the run is not over: ${found}\n${await lastWordsOf(stage, run)}`, cause);
  });
  expect(live.run, await lastWordsOf(stage, run)).toMatchObject({ id: run.id, state: 'succeeded' });
  await expectNothingPartial(stage);
  await expectNoSession(stage);
  return live;
}

/** The end of the log of a run, for whoever reads the failure of a test. */
async function lastWordsOf({ api }: KillStage, run: StartedRun): Promise<string> {
  const { data } = await api.get<{ data: { at: string; message: string }[] }>(`/runs/${run.id}/logs?limit=1000`);
  return data
    .map(({ at, message }) => `${at} ${message}`)
    .slice(-20)
    .join('\n');
}

export async function expectNothingPartial(stage: KillStage): Promise<void> {
  expect(await setsInApi(stage)).toEqual(setsInPool(stage));
}

/**
 * What was acknowledged at each kill lies where it lay, and apart from what was on its way then, the pool holds no more
 * bytes of the set than an undisturbed one has.
 */
export function expectNothingPutAgain(
  stage: KillStage,
  run: StartedRun,
  kills: readonly AtKill[],
  undisturbedBytes = stage.storedBytes,
): void {
  const pieces = piecesOf(stage, run.setId);
  const [acknowledged, onTheWay] = [kills.flatMap((kill) => kill.acknowledged), kills.flatMap((kill) => kill.onTheWay)];
  expect(pieces).toEqual(expect.arrayContaining(acknowledged));
  const strays = new Set(onTheWay.map(({ key }) => key));
  for (const { key } of acknowledged) strays.delete(key);
  // Why 5 %: another position of the log and other statistics than in the first set.
  expect(bytesOf(pieces.filter(({ key }) => !strays.has(key)))).toBeLessThanOrEqual(undisturbedBytes * 1.05);
}

/** The source still has the content that it had when the stage was opened. */
export const expectSameSource = async ({ sql, content }: KillStage): Promise<void> => {
  expect(await proveTables(sql)).toEqual(content);
};

/** Names of the log segments in the pool, read past Holdfast. */
export const segmentsInPool = (stage: Pick<KillStage, 'poolDirectory'>): readonly PoolFile[] =>
  poolFiles(stage, 'logs').filter(({ key }) => !/\/(batches|references)\//.test(key));

/** Restores a set to a copy of its own, compares its content over SQL with the source's, and drops it. */
export async function expectRestorable(stage: KillStage, setId: string): Promise<void> {
  const directory = copyDirectory(stage, setId);
  const run = await startCopy(stage, { setId, directory });
  await expectEqualCopy(stage, await expectSucceeded(stage, run), directory);
}

/** The copy of a run that succeeded answers SQL with the content that the source has now, or had. Drops the copy. */
export async function expectEqualCopy(
  stage: KillStage,
  live: LiveRun,
  directory: string,
  content?: KillStage['content'],
): Promise<void> {
  const { user, password } = stage.source;
  const { socket, port } = addressShape.parse(live.run.outcome?.result);
  const client = new pg.Client({ host: socket, port, user, password, database: 'postgres' });
  await client.connect();
  try {
    expect(await proveTables(client)).toEqual(content ?? (await proveTables(stage.sql)));
  } finally {
    await client.end();
    await dropCopy(directory);
  }
}

const addressShape = z.looseObject({ socket: z.string(), port: z.number() });

const blockBytes = 512;

/** Bytes that a directory takes on disk: a hole that is yet to be written counts nothing. */
const bytesOnDisk = (directory: string): number => {
  const names = existsSync(directory) ? readdirSync(directory, { recursive: true, encoding: 'utf8' }) : [];
  const stats = names.map((name) => statSync(join(directory, name), { throwIfNoEntry: false }));
  return stats.reduce((sum, stat) => sum + (stat?.isFile() === true ? stat.blocks * blockBytes : 0), 0);
};

/** Waits until a restore has written so much; fails when its control file is there already, which comes last. */
export async function untilWritten(directory: string, bytes: number): Promise<void> {
  await pollUntil(() => Promise.resolve(bytesOnDisk(directory) >= bytes || undefined), {
    what: `${String(bytes)} bytes in ${directory}`,
    timeoutMs: runTimeoutMs,
  });
  expect(existsSync(join(directory, 'global', 'pg_control'))).toBe(false);
}

/** Waits until a second attempt of a set has an acknowledged piece of its own beside it. */
export const untilNextAttemptPuts = (stage: KillStage, run: StartedRun): Promise<true> =>
  pollUntil(
    () => {
      const attempts = new Set(piecesAtKill(stage, run).acknowledged.map(({ key }) => key.split('/')[2]));
      return Promise.resolve(attempts.size >= 2 || undefined);
    },
    { what: `an acknowledged piece of a second attempt of ${run.setId}`, timeoutMs: runTimeoutMs },
  );
