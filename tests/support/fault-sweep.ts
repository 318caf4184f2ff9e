import { rmSync } from 'node:fs';
import { expect } from 'vitest';
import type { Fault, FaultPoint } from '#core/faults/fault-points.ts';
import { faultPointNames } from '#core/faults/fault-points.ts';
import { pollUntil } from '#scripts/supervisor/wait.ts';
import { proveTables } from '#scripts/demo/workload.ts';
import { stopCopy } from '#scripts/demo/stop-copy.ts';
import { closeSource, startInPlace } from './in-place-stage.ts';
import type { AtKill } from './kill-proof.ts';
import {
  bytesOf,
  expectEqualCopy,
  expectNothingPutAgain,
  expectRestorable,
  expectSucceeded,
  isCommitted,
  piecesAtKill,
  piecesOf,
  poolFiles,
  segmentsInPool,
} from './kill-proof.ts';
import type { KillStage, StartedRun } from './kill-stage.ts';
import {
  copyDirectory,
  cumulative,
  lasting,
  openKillStage,
  runTimeoutMs,
  startBackup,
  startCopy,
  startLogBackup,
  untilOver,
  writeLog,
} from './kill-stage.ts';

/** What is done when the agent dies. A swap has a stage of its own: `kill-transfer.ts`. */
export type Deed = 'full-backup' | 'incremental-backup' | 'log-backup' | 'copy' | 'in-place';

/** One death: where, the how manieth time, in the middle of what. */
export interface Death extends Fault {
  readonly deed: Deed | 'swap';
}

const once =
  (...deeds: readonly Death['deed'][]) =>
  (point: FaultPoint): readonly Death[] =>
    deeds.map((deed) => ({ deed, point, time: 1 }));

/** The second time in one thread: something is acknowledged already. */
const second =
  (...deeds: readonly Death['deed'][]) =>
  (point: FaultPoint): readonly Death[] =>
    deeds.map((deed) => ({ deed, point, time: 2 }));

/** Every point of the registry, and in the middle of what it is died at: the compiler refuses one that is left out. */
const deathsAt: Readonly<Record<FaultPoint, (point: FaultPoint) => readonly Death[]>> = {
  'backup.after-begin': once('full-backup'),
  'backup.after-base': once('incremental-backup'),
  'backup.before-put': second('full-backup'),
  'backup.after-put': second('full-backup', 'incremental-backup'),
  'backup.after-barrier': second('full-backup'),
  'backup.after-acknowledge': second('full-backup', 'incremental-backup'),
  'backup.before-end': once('full-backup'),
  'backup.after-end': once('full-backup', 'incremental-backup'),
  'backup.before-commit': once('full-backup'),
  'backup.before-meta': once('full-backup', 'incremental-backup'),
  'backup.after-meta': once('full-backup', 'incremental-backup'),
  'backup.after-commit': once('full-backup', 'incremental-backup'),
  'log.after-switch': once('log-backup'),
  'log.before-segment': second('log-backup'),
  'log.after-segment': second('log-backup'),
  'log.before-batch': once('log-backup'),
  'log.after-batch': once('log-backup'),
  'log.before-tell': once('log-backup'),
  'log.after-tell': once('log-backup'),
  'log.before-delete': once('log-backup'),
  'log.after-delete': once('log-backup'),
  'restore.after-prepare': once('copy', 'in-place'),
  'restore.after-piece': once('copy', 'in-place'),
  'restore.after-write': once('copy', 'in-place'),
  'restore.after-log': once('copy'),
  'restore.before-control': once('copy', 'in-place'),
  'restore.after-control': once('copy', 'in-place'),
  'restore.after-start': once('copy', 'in-place'),
  'restore.after-recover': once('copy'),
  'restore.after-report': once('copy'),
  'in-place.after-tail': once('in-place'),
  'in-place.before-aside': once('in-place'),
  'in-place.after-aside': once('in-place'),
  'in-place.before-open': once('in-place'),
  'in-place.after-open': once('in-place'),
  'swap.after-scratch': once('swap'),
  'swap.after-build': once('swap'),
  'swap.before-tell': once('swap'),
  'swap.before-swap': once('swap'),
  'swap.after-swap': once('swap'),
  'swap.after-tell': once('swap'),
  'swap.after-report': once('swap'),
  'work.before-record': once('full-backup', 'copy'),
  'work.after-record': once('full-backup', 'log-backup'),
};

const deeds: readonly Death['deed'][] = [
  ...(['full-backup', 'incremental-backup', 'log-backup', 'copy', 'in-place', 'swap'] as const),
];

/** All deaths of the sweep, deed by deed: those in place replace the source. */
export const allDeaths: readonly Death[] = faultPointNames
  .flatMap((point) => deathsAt[point](point))
  .sort((a, b) => deeds.indexOf(a.deed) - deeds.indexOf(b.deed));

export const nameOfDeath = ({ deed, point, time }: Death): string =>
  `${deed}, ${point}${time === 1 ? '' : ` (time ${String(time)})`}`;

/** What was seen of one death, for the evidence. */
export interface DeathSeen {
  /** Pieces that were acknowledged when the agent died. */
  readonly acknowledged: number;
  readonly state: string;
}

export interface FaultStage {
  /** Lets the agent die, starts it again and proves the end. */
  die(death: Death & { readonly deed: Deed }): Promise<DeathSeen>;
  /** The log has no gap, and the latest point equals the source. */
  proveLog(): Promise<void>;
  close(): Promise<void>;
}

const runSeconds = 2;

/** A whole Holdfast whose agent is started with faults. */
export async function openFaultStage(mebibytes = 24): Promise<FaultStage> {
  const env: Record<string, string> = {};
  const stage = await openKillStage(mebibytes, env);
  const startAgent = async (fault?: Fault): Promise<void> => {
    if (fault !== undefined) env['HOLDFAST_FAULT_POINT'] = `${fault.point}:${String(fault.time)}`;
    try {
      await stage.stack.start('agent');
    } finally {
      delete env['HOLDFAST_FAULT_POINT'];
    }
  };
  /** A point that is never reached is a failure, not a run without trouble. */
  const killedAt = async (death: Death, begin: () => Promise<StartedRun>) => {
    await stage.stack.kill('agent');
    await startAgent(death);
    const agent = stage.stack.childOf('agent');
    await untilApiAnswers(stage);
    const run = await begin();
    await Promise.race([agent.ended, untilOver(stage, run.id)]);
    expect(agent.signal(), `${nameOfDeath(death)} was reached`).toBe('SIGKILL');
    const kills = run.setId === '' || isCommitted(stage, run.setId) ? [] : [piecesAtKill(stage, run)];
    return { run, kills, again: () => startAgent() };
  };
  return {
    die: ({ deed, ...death }) => plays[deed](stage, (begin) => killedAt({ deed, ...death }, begin), nextName()),
    proveLog: async () => {
      const directory = copyDirectory(stage, nextName());
      await expectSucceeded(stage, await startLogBackup(stage, {}));
      await expectEqualCopy(stage, await expectSucceeded(stage, await startCopy(stage, { directory })), directory);
    },
    close: () => stage.close(),
  };
}

/** A connection that was idle for long may be closed by the API in the very moment in which a run is asked for. */
const untilApiAnswers = ({ api }: KillStage): Promise<unknown> =>
  pollUntil(() => api.get('/hosts').catch(() => undefined), { what: 'an answer of the API', timeoutMs: runTimeoutMs });

let names = 0;
const nextName = (): string => `death-${String(++names)}`;

interface Killed {
  readonly run: StartedRun;
  readonly kills: readonly AtKill[];
  /** Starts the agent again, without a fault. */
  readonly again: () => Promise<void>;
}
type Kill = (begin: () => Promise<StartedRun>) => Promise<Killed>;
type Play = (stage: KillStage, kill: Kill, name: string) => Promise<DeathSeen>;

const seenOf = (kills: readonly AtKill[], state: string): DeathSeen => ({
  acknowledged: kills.reduce((sum, { acknowledged }) => sum + acknowledged.length, 0),
  state,
});

const measured = new WeakMap<KillStage, Map<string, number>>();

/** An undisturbed one says how much the disturbed ones may put, and how long they last; the source stays as it is then. */
async function undisturbedBytes(stage: KillStage, what: Backup): Promise<number> {
  const known = measured.get(stage) ?? new Map<string, number>();
  measured.set(stage, known);
  const before = known.get(what.kind);
  if (before !== undefined) return before;
  if (what.kind === 'incremental-backup') await writeLog(stage, 4);
  await untilApiAnswers(stage);
  const run = await startBackup(stage, {}, what);
  await expectSucceeded(stage, run);
  const bytes = bytesOf(piecesOf(stage, run.setId));
  known.set(what.kind, bytes);
  return bytes;
}

type Backup = typeof cumulative | { readonly kind: 'full-backup' };

const backup =
  (what: Backup): Play =>
  async (stage, kill) => {
    const bytes = await undisturbedBytes(stage, what);
    const { run, kills, again } = await kill(() => startBackup(stage, lasting(runSeconds, bytes), what));
    await again();
    const live = await expectSucceeded(stage, run);
    expectNothingPutAgain(stage, run, kills, bytes);
    await expectRestorable(stage, run.setId);
    return seenOf(kills, live.run.state);
  };

const plays: Readonly<Record<Deed, Play>> = {
  'full-backup': backup({ kind: 'full-backup' }),
  'incremental-backup': backup(cumulative),
  'log-backup': async (stage, kill) => {
    await untilApiAnswers(stage);
    await expectSucceeded(stage, await startLogBackup(stage, {}));
    await writeLog(stage, 3);
    const { run, again } = await kill(() => startLogBackup(stage, {}));
    const there = segmentsInPool(stage);
    await again();
    const live = await expectSucceeded(stage, run);
    expect(segmentsInPool(stage)).toEqual(expect.arrayContaining([...there]));
    return seenOf([], live.run.state);
  },
  copy: async (stage, kill, name) => {
    await untilApiAnswers(stage);
    await expectSucceeded(stage, await startLogBackup(stage, {}));
    const before = poolFiles(stage);
    const directory = copyDirectory(stage, name);
    const { run, again } = await kill(() => startCopy(stage, { directory }));
    await again();
    const live = await expectSucceeded(stage, run);
    expect(poolFiles(stage)).toEqual(before);
    await expectEqualCopy(stage, live, directory);
    return seenOf([], live.run.state);
  },
  'in-place': async (stage, kill) => {
    await closeSource(stage);
    const { run, again } = await kill(() => startInPlace(stage));
    await again();
    const live = await untilOver(stage, run.id);
    try {
      // A restore in place always warns that a full backup is due.
      expect(live.run).toMatchObject({ state: 'warned', outcome: { result: { isOpen: true } } });
      const sql = await stage.source.connect();
      try {
        expect(await proveTables(sql)).toEqual(stage.content);
      } finally {
        await sql.end();
      }
    } finally {
      await stopCopy(stage.source.dataDirectory);
      rmSync(`${stage.source.dataDirectory}.before-${run.id}`, { recursive: true, force: true });
      await stage.stack.start('demo-instance');
    }
    return seenOf([], live.run.state);
  },
};
