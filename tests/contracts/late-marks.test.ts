import { expect, onTestFinished, test } from 'vitest';
import type { OrderOf } from '#core/agent/order.ts';
import type { CareTask } from '#core/care/care-task.ts';
import { fail } from '#core/errors/fail.ts';
import { marksPrefix, setMetaKey } from '#core/format/object-key.ts';
import { instantFromMs } from '#core/instant.ts';
import { CareWork } from '#agent/care/care-work.ts';
import { deleteSet } from '#agent/care/delete-set.ts';
import { putMark } from '#agent/care/marks.ts';
import { careClock, noScrub, openCareStage } from '#tests/support/care-stage.ts';
import { testIds } from '#tests/support/catalog.ts';

const collect: CareTask = { task: 'collect', isDryRun: false, graceHours: 1 };

test('a set whose mark is protected longer than the set goes whole, the mark is named, and a later collection takes it', async () => {
  const stage = await openCareStage('local');
  onTestFinished(() => stage.close());
  const [setId, stays] = [await stage.commit(), await stage.commit()];
  const markOf = (of: typeof setId) =>
    putMark(stage.pool, {
      ...{ markId: testIds('mark'), setId: of, kind: 'label' as const, at: instantFromMs(0), by: 'test', text: 'late' },
    });
  for (const of of [setId, stays]) await markOf(of);
  const { store } = stage.pool;
  const remove: typeof store.remove = (keys) =>
    keys.some((key) => key.startsWith('marks/'))
      ? Promise.reject(fail('pool_refused', { pool: 'care', why: 'it is protected until later' }))
      : store.remove(keys);
  const runId = testIds('run');
  const steps: string[] = [];
  const order: OrderOf<'care'> = {
    ...{ kind: 'care', runId, hostId: testIds('host'), pool: stage.access },
    task: { task: 'delete', planId: testIds('plan'), sets: [setId], log: [] },
  };
  const work = new CareWork({
    ...{ order, pool: { ...stage.pool, store: { ...store, remove } } },
    step: {
      ...{ runId, signal: new AbortController().signal, limits: () => ({}) },
      ...{ report: () => undefined, log: () => undefined },
    },
    deps: {
      ...{ home: stage.home, clock: careClock, newId: testIds },
      channel: {
        ...noScrub,
        claimDeletion: () => Promise.resolve({ verdict: 'granted' }),
        tellDeleted: (_run, { step }) => {
          steps.push(step);
          return Promise.resolve();
        },
      },
    },
  });
  await deleteSet(work, setId);
  expect(work.kept).toEqual([{ what: `marks and keys of ${setId}`, why: 'it is protected until later' }]);
  expect([work.sets, steps]).toEqual([1, ['removed', 'done']]);
  expect(await stage.keys(`sets/${setId}/`)).toEqual([]);
  expect(await stage.keys(marksPrefix(setId))).toHaveLength(1);
  expect(await stage.care(collect)).toMatchObject({ sets: 1, objects: 1, kept: [] });
  expect(await stage.keys(marksPrefix(setId))).toEqual([]);
  expect(await stage.keys()).toEqual(expect.arrayContaining([setMetaKey(stays)]));
  expect(await stage.keys(marksPrefix(stays))).toHaveLength(1);
});
