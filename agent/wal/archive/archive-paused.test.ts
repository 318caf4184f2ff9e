import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import type { LogReport } from '#core/restore/report.ts';
import type { RatesNow } from '#core/run/rate.ts';
import type { NeededLog } from '#agent/wal/needed-log.ts';
import { openFolder } from '#tests/support/folder.ts';
import type { LogStage } from '#tests/support/log-stage.ts';
import { archived, stageOn, withRetention, writeRows } from '#tests/support/log-stage.ts';
import { removeArchived } from './remove-archived.ts';

/** A step that its operator pauses, resumes and cancels. */
class Paused {
  isPaused = false;
  /** How often it was asked whether it is paused, and was. */
  looks = 0;
  readonly #abort = new AbortController();
  readonly signal = this.#abort.signal;
  readonly limits = (): RatesNow => {
    if (this.isPaused) this.looks += 1;
    return this.isPaused ? { isPaused: true } : {};
  };

  readonly cancel = (): void => {
    this.#abort.abort();
  };

  readonly pause = (): void => {
    this.isPaused = true;
  };

  /** Waits until the work is held, or over although it should be. */
  async isHeld(work: Promise<unknown>): Promise<boolean> {
    let isOver = false;
    const over = (): void => void (isOver = true);
    work.then(over, over);
    await expect.poll(() => isOver || this.looks > 2, { timeout: 60_000 }).toBe(true);
    return !isOver;
  }
}

interface Held {
  readonly stage: LogStage;
  readonly run: Paused;
  /** Archived files before the backup. */
  readonly names: readonly string[];
  readonly backup: Promise<LogReport>;
}

/** A log backup that is disturbed when nothing is left to do but to delete: every file is proven, the last question is asked. */
async function disturbedBackup(disturb: (run: Paused) => void): Promise<Held> {
  const run = new Paused();
  const neededLog: NeededLog = () => {
    disturb(run);
    return Promise.resolve([]);
  };
  const stage = await stageOn(15, { neededLog });
  for (let i = 0; i < 2; i++) {
    await writeRows(stage);
    await stage.server.sql('SELECT pg_switch_wal()');
  }
  await stage.backUp();
  const { signal, limits } = run;
  const names = archived(stage);
  return { stage, run, names, backup: stage.backUp(withRetention(stage, { mode: 'delete' }), { signal, limits }) };
}

test('K-005 K-080 a paused log backup deletes no archived file, and goes to its end when it is resumed', async () => {
  const { stage, run, names, backup } = await disturbedBackup(({ pause }) => {
    pause();
  });
  expect(await run.isHeld(backup)).toBe(true);
  expect(archived(stage)).toEqual(expect.arrayContaining([...names]));
  run.isPaused = false;
  const { deletedFiles } = await backup;
  expect(deletedFiles).toBeGreaterThan(0);
  expect(archived(stage)).not.toContain(names[0]);
});

test.each([true, false])(
  'K-005 K-080 a cancelled log backup deletes no archived file (paused: %s)',
  async (isPaused) => {
    const { stage, run, names, backup } = await disturbedBackup(({ cancel, pause }) => {
      (isPaused ? pause : cancel)();
    });
    const failure = backup.catch((error: unknown) => error);
    expect(await run.isHeld(backup)).toBe(isPaused);
    run.cancel();
    expect(await failure).toMatchObject({ code: 'cancelled' });
    expect(archived(stage)).toEqual(expect.arrayContaining([...names]));
  },
);

test('K-005 K-080 a log backup that is paused while it deletes archived files stops between two of them', async () => {
  const folder = openFolder('hf-archive-');
  onTestFinished(() => {
    folder.remove();
  });
  const names = Array.from({ length: 250 }, (_, i) => String(i).padStart(24, '0'));
  for (const name of names) writeFileSync(join(folder.path, name), '');
  const run = new Paused();
  let asked = 0;
  const limits = (): RatesNow => {
    asked += 1;
    if (asked === 2) run.pause();
    return run.limits();
  };
  const removal = removeArchived(folder.path, names, { signal: run.signal, limits });
  expect(await run.isHeld(removal)).toBe(true);
  const left = readdirSync(folder.path).sort();
  expect(left.length).toBeGreaterThan(0);
  expect(left.length).toBeLessThan(names.length);
  expect(left).toEqual(names.slice(-left.length));
  run.isPaused = false;
  await removal;
  expect(readdirSync(folder.path)).toEqual([]);
});
