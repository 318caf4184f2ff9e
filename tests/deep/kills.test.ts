import { setTimeout as pause } from 'node:timers/promises';
import { beforeAll, expect, test } from 'vitest';
import { openChance } from '#scripts/chaos/chance.ts';
import type { KillStage, Killable, StartedRun } from '#tests/support/kill-stage.ts';
import {
  copyDirectory,
  cumulative,
  killable,
  lasting,
  openKillStage,
  startBackup,
  startCopy,
  startLogBackup,
  untilOver,
  writeLog,
} from '#tests/support/kill-stage.ts';
import type { AtKill } from '#tests/support/kill-proof.ts';
import {
  bytesOf,
  expectEqualCopy,
  expectNothingPutAgain,
  expectRestorable,
  expectSucceeded,
  isCommitted,
  piecesAtKill,
  piecesOf,
  segmentsInPool,
} from '#tests/support/kill-proof.ts';

// Repeat a run with HOLDFAST_SEED=<the printed one>; HOLDFAST_KILLS says how many runs are disturbed.
const seed = Number(process.env['HOLDFAST_SEED'] ?? Date.now() % 1_000_000_007);
const rounds = Number(process.env['HOLDFAST_KILLS'] ?? 10);
const chance = openChance(seed);
const say = (line: string): void => void process.stdout.write(`${line}\n`);

/** Longer than a throttled run, so that some kills come while it is closed and some after it. */
const latestKillMs = 7000;
const longestOutageMs = 4000;
const runSeconds = 5;
const segmentCount = 6;

const kinds = ['full-backup', 'incremental-backup', 'restore', 'log-backup'] as const;
type Kind = (typeof kinds)[number];

interface Round {
  readonly kind: Kind;
  /** One or two kills, one after the other. */
  readonly kills: readonly { readonly part: Killable; readonly afterMs: number; readonly outageMs: number }[];
}

const drawRound = (): Round => {
  const count = chance.below(4) < 1 ? 2 : 1;
  const kill = () => ({
    part: chance.oneOf(killable),
    afterMs: Math.round(chance.below(latestKillMs / count)),
    outageMs: Math.round(chance.below(longestOutageMs)),
  });
  return { kind: chance.oneOf(kinds), kills: Array.from({ length: count }, kill) };
};

let stage: KillStage;
const histogram = new Map<string, number>();
beforeAll(async () => {
  say(`HOLDFAST_SEED=${String(seed)} HOLDFAST_KILLS=${String(rounds)}`);
  stage = await openKillStage(32);
  return async () => {
    for (const [what, count] of [...histogram].sort()) say(`${String(count).padStart(4)}  ${what}`);
    await stage.close();
  };
});

/** Where the run is, as its API tells; it may be away for a former kill. */
async function phaseOf({ id }: StartedRun): Promise<string> {
  const path = `/runs/${id}`;
  const live = await stage.api
    .get<{ run: { state: string }; phase?: string; progress?: { phase: string } }>(path)
    .catch(() => undefined);
  return live === undefined ? 'unknown' : (live.progress?.phase ?? live.phase ?? live.run.state);
}

/** Kills as drawn; answers what was in the pool each time, for a full or incremental backup. */
async function disturb({ kind, kills }: Round, run: StartedRun): Promise<readonly AtKill[]> {
  const found: AtKill[] = [];
  for (const { part, afterMs, outageMs } of kills) {
    await pause(afterMs);
    const what = `${kind}, ${await phaseOf(run)}: ${part}`;
    histogram.set(what, (histogram.get(what) ?? 0) + 1);
    say(`  ${what}, away for ${String(outageMs)} ms`);
    await stage.stack.kill(part);
    // Why only then: what was acknowledged is told by the record of an agent that has not forgotten it yet.
    if (run.setId !== '' && part === 'agent' && !isCommitted(stage, run.setId)) found.push(piecesAtKill(stage, run));
    await pause(outageMs);
    await stage.stack.start(part);
  }
  return found;
}

const play: Record<Kind, (round: Round, name: string) => Promise<void>> = {
  'full-backup': async (round) => {
    const run = await startBackup(stage, lasting(runSeconds, newestBytes));
    const kills = await disturb(round, run);
    await expectSucceeded(stage, run);
    expectNothingPutAgain(stage, run, kills, newestBytes);
    await expectRestorable(stage, run.setId);
  },
  'incremental-backup': async (round) => {
    await writeLog(stage, segmentCount);
    // Why twice: the first one says how long the second lasts, and how much it may put.
    const undisturbed = await startBackup(stage, {}, cumulative);
    await expectSucceeded(stage, undisturbed);
    const bytes = bytesOf(piecesOf(stage, undisturbed.setId));
    const run = await startBackup(stage, lasting(runSeconds, bytes), cumulative);
    const kills = await disturb(round, run);
    await expectSucceeded(stage, run);
    expectNothingPutAgain(stage, run, kills, bytes);
    await expectRestorable(stage, run.setId);
  },
  restore: async (round, name) => {
    const directory = copyDirectory(stage, name);
    const limits = lasting(runSeconds, newestBytes);
    const run = await startCopy(stage, { setId: newest, directory, limits });
    await disturb(round, run);
    await expectEqualCopy(stage, await expectSucceeded(stage, run), directory);
  },
  'log-backup': async (round) => {
    // Why first: what rounds of other kinds left would last longer than a run may, at that rate.
    await expectSucceeded(stage, await startLogBackup(stage, {}));
    await writeLog(stage, segmentCount);
    const run = await startLogBackup(stage, { transferBytesPerSecond: 1_048_576 });
    const before = segmentsInPool(stage);
    await disturb(round, run);
    await expectSucceeded(stage, run);
    expect(segmentsInPool(stage)).toEqual(expect.arrayContaining([...before]));
  },
};

/** The set that holds the content of the source as it is now. */
let newest = '';
let newestBytes = 0;

/** New content and log before each round, and a set that holds it. */
async function prepare(): Promise<void> {
  await writeLog(stage, segmentCount);
  const run = await startBackup(stage, {});
  expect((await untilOver(stage, run.id)).run.state).toBe('succeeded');
  newest = run.setId;
  newestBytes = bytesOf(piecesOf(stage, newest));
}

for (let round = 1; round <= rounds; round++) {
  test(`K-005 K-084 disturbed run ${String(round)} of ${String(rounds)} ends right without an operator`, async () => {
    const drawn = drawRound();
    await prepare();
    await play[drawn.kind](drawn, `round-${String(round)}`);
  });
}

test('K-049 K-096 after all of it the log has no gap, and a restore to the latest point equals the source', async () => {
  await expectSucceeded(stage, await startLogBackup(stage, {}));
  const directory = copyDirectory(stage, 'latest');
  await expectEqualCopy(stage, await expectSucceeded(stage, await startCopy(stage, { directory })), directory);
});
