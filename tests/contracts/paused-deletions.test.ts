import { afterAll, beforeAll, expect, test } from 'vitest';
import { careForPool } from '#agent/care/care-for-pool.ts';
import { careForLogicalSets } from '#agent/logical/logical-care.ts';
import type { CareTask } from '#core/care/care-task.ts';
import { logicalMetaKey, setMetaKey } from '#core/format/object-key.ts';
import type { SetId } from '#core/id.ts';
import type { StepContext } from '#core/ports/step.ts';
import { testIds } from '../support/catalog.ts';
import type { CareStage } from '../support/care-stage.ts';
import { careClock, noScrub, openCareStage } from '../support/care-stage.ts';

let stage: CareStage;
beforeAll(async () => {
  stage = await openCareStage('local');
});
afterAll(() => stage.close());

/** Longer than a step takes to look whether it is paused, and than the deletion of a small set. */
const aWhile = (): Promise<string> => new Promise((resolve) => setTimeout(resolve, 1_000, 'held'));

/** A run that its operator pauses, resumes and cancels. */
class Paused {
  isPaused = false;
  readonly claims: string[] = [];
  #wasPaused = false;
  readonly #when: 'claimed' | 'gone';
  readonly #abort = new AbortController();
  readonly #runId = testIds('run');

  readonly step: StepContext = {
    ...{ runId: this.#runId, signal: this.#abort.signal, report: () => undefined, log: () => undefined },
    limits: () => (this.isPaused ? { isPaused: true } : {}),
  };

  constructor(when: 'claimed' | 'gone' = 'gone') {
    this.#when = when;
  }

  cancel(): void {
    this.#abort.abort();
  }

  /** Care that is paused as soon as the first thing is claimed, or gone. */
  care(task: CareTask): Promise<unknown> {
    const deps = {
      ...{ home: stage.home, clock: careClock, newId: testIds },
      channel: {
        ...noScrub,
        claimDeletion: this.#claim,
        tellDeleted: this.#pauseAfter,
      },
    };
    const order = { kind: 'care' as const, runId: this.#runId, hostId: testIds('host'), pool: stage.access, task };
    return careForPool(deps)(order, this.step);
  }

  /** The removal of logical sets, paused likewise. */
  removeLogical(sets: readonly SetId[]): Promise<unknown> {
    const channel = {
      claimLogicalSet: this.#claim,
      tellLogicalRemoval: this.#pauseAfter,
      tellLogicalVerdict: () => Promise.resolve(),
    };
    return careForLogicalSets({ clock: careClock, channel })(
      {
        ...{ kind: 'logical-care', runId: this.#runId, hostId: testIds('host'), pool: stage.access },
        ...{ task: { does: 'remove', sets }, limits: {} },
      },
      this.step,
    );
  }

  readonly #claim = (): Promise<{ readonly verdict: 'granted' }> => {
    this.claims.push(this.isPaused ? 'paused' : 'going');
    if (this.#when === 'claimed') this.#pauseOnce();
    return Promise.resolve({ verdict: 'granted' });
  };

  readonly #pauseAfter = (): Promise<void> => {
    this.#pauseOnce();
    return Promise.resolve();
  };

  #pauseOnce(): void {
    this.isPaused ||= !this.#wasPaused;
    this.#wasPaused = true;
  }
}

const planId = testIds('plan');
const threeSets = async (): Promise<readonly SetId[]> => [
  await stage.commit(),
  await stage.commit(),
  await stage.commit(),
];
const metasOf = async (sets: readonly SetId[]): Promise<number> => {
  const keys = await stage.keys();
  return sets.filter((set) => keys.includes(setMetaKey(set)) || keys.includes(logicalMetaKey(set))).length;
};

test('a plan that is paused deletes and claims nothing more, and goes to its end when it is resumed', async () => {
  const sets = await threeSets();
  const run = new Paused();
  const care = run.care({ task: 'delete', planId, sets, log: [] });
  expect(await Promise.race([care, aWhile()])).toBe('held');
  expect(await metasOf(sets)).toBe(2);
  run.isPaused = false;
  expect(await care).toMatchObject({ sets: 3 });
  expect(await metasOf(sets)).toBe(0);
  expect(run.claims).toEqual(['going', 'going', 'going']);
});

test('a paused plan that is cancelled ends at once and deletes nothing more', async () => {
  const sets = await threeSets();
  const run = new Paused();
  const care = run.care({ task: 'delete', planId, sets, log: [] }).catch((error: unknown) => error);
  expect(await Promise.race([care, aWhile()])).toBe('held');
  const cancelledAt = performance.now();
  run.cancel();
  expect(await care).toMatchObject({ code: 'cancelled' });
  expect(performance.now() - cancelledAt).toBeLessThan(500);
  expect(await metasOf(sets)).toBe(2);
});

test('the collection of leftovers holds while it is paused', async () => {
  const left = [await stage.leave(), await stage.leave()];
  const run = new Paused('claimed');
  const care = run.care({ task: 'collect', isDryRun: false, graceHours: 1 });
  expect(await Promise.race([care, aWhile()])).toBe('held');
  expect(run.claims).toEqual(['going']);
  const objects = async (): Promise<number[]> =>
    Promise.all(left.map(async ({ setId }) => (await stage.keys(`sets/${setId}/`)).length));
  expect(await objects()).toEqual([4, 4]);
  run.isPaused = false;
  await care;
  expect(await objects()).toEqual([0, 0]);
});

test('the removal of logical sets holds while it is paused', async () => {
  const sets = [testIds('set'), testIds('set')];
  for (const set of sets) await stage.pool.store.putIfAbsent(logicalMetaKey(set), Buffer.from('meta'));
  const run = new Paused();
  const care = run.removeLogical(sets);
  expect(await Promise.race([care, aWhile()])).toBe('held');
  expect(await metasOf(sets)).toBe(1);
  run.isPaused = false;
  expect(await care).toMatchObject({ report: { sets: 2 } });
  expect(await metasOf(sets)).toBe(0);
});
