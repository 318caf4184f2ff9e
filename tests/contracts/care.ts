import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { LogToDelete } from '#core/care/care-task.ts';
import { standingOf } from '#core/care/mark.ts';
import { bug, fail } from '#core/errors/fail.ts';
import type { ObjectStore } from '#core/ports/object-store.ts';
import { instantFromMs } from '#core/instant.ts';
import type { BatchSummary } from '#core/log/batch-summary.ts';
import { markKey, parseObjectKey, setMetaKey } from '#core/format/object-key.ts';
import { listMarks, putMark, readMarks } from '#agent/care/marks.ts';
import { removeCommitPoint } from '#agent/care/remove-objects.ts';
import { readTruncations } from '#agent/care/truncation.ts';
import { openSet } from '#agent/sets/open-set.ts';
import { readBatches } from '#agent/wal/committed-log.ts';
import { testIds } from '../support/catalog.ts';
import type { CarePool, CareStage } from '../support/care-stage.ts';
import { branchId, openCareStage } from '../support/care-stage.ts';
import { sampleSystemId } from '../support/samples.ts';

const planId = testIds('plan');
const logToDelete = (...batches: readonly BatchSummary[]): LogToDelete => ({
  ...{ systemId: sampleSystemId, branchId },
  batches: batches.map(({ batchId, from, to }) => ({ batchId, from, to })),
  objects: batches.flatMap(({ segments }) => segments.map(({ object }) => object)),
});
const nextMs = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 2));

/** The promises of deletion, marks and the collection of leftovers, on a real pool of each kind. */
export function testCare(kind: CarePool): void {
  describe(kind, () => {
    let stage: CareStage;
    beforeAll(async () => {
      stage = await openCareStage(kind);
    });
    afterAll(() => stage.close());
    const reset = (): void => {
      stage.answer = () => ({ verdict: 'granted' });
      stage.hear = () => undefined;
      stage.told.length = 0;
      stage.claims.length = 0;
    };

    test('a planned set goes whole, with its marks; another stays as it is', async () => {
      reset();
      const [gone, stays] = [await stage.commit(), await stage.commit()];
      await putMark(stage.pool, markOf(gone, 'label', 'old'));
      const report = await stage.care({ task: 'delete', planId, sets: [gone], log: [] });
      expect(report).toMatchObject({ sets: 1, kept: [], warnings: [] });
      expect(report.objects).toBe(4);
      expect((await stage.keys()).filter((key) => key.includes(gone))).toEqual([]);
      expect((await openSet(stage.pool, stays)).meta.summary.setId).toBe(stays);
      expect(stage.told.map(({ step }) => step)).toEqual(['removed', 'done']);
    });

    test('killed between metadata and pieces, the set is gone at once and the next attempt removes the rest', async () => {
      reset();
      const setId = await stage.commit();
      stage.hear = () => {
        throw bug('killed');
      };
      const runId = testIds('run');
      await expect(stage.care({ task: 'delete', planId, sets: [setId], log: [] }, runId)).rejects.toThrow('killed');
      const left = (await stage.keys()).filter((key) => key.includes(setId));
      expect(left).not.toContain(setMetaKey(setId));
      expect(left).toHaveLength(2);
      await expect(openSet(stage.pool, setId)).rejects.toMatchObject({ code: 'set_not_committed' });
      reset();
      await stage.care({ task: 'delete', planId, sets: [setId], log: [] }, runId);
      expect((await stage.keys()).filter((key) => key.includes(setId))).toEqual([]);
    });

    test('a set under legal hold is never deleted, even when the catalog has forgotten the hold', async () => {
      reset();
      const setId = await stage.commit();
      await putMark(stage.pool, markOf(setId, 'hold', 'case 17'));
      const report = await stage.care({ task: 'delete', planId, sets: [setId], log: [] });
      expect(report).toMatchObject({
        sets: 0,
        objects: 0,
        kept: [{ what: setId, why: 'it is under legal hold: case 17' }],
      });
      expect(report.warnings).toHaveLength(1);
      expect((await openSet(stage.pool, setId)).meta.summary.setId).toBe(setId);
      expect(stage.told).toMatchObject([{ step: 'kept' }]);
    });

    test('a set whose mark is damaged or was taken away stays, because nobody knows what the mark said', async () => {
      reset();
      const setId = await stage.commit();
      await putMark(stage.pool, markOf(setId, 'hold', 'case 18'));
      await putMark(stage.pool, markOf(setId, 'name', 'before the move'));
      await stage.pool.store.remove([markKey(setId, 1)]);
      const report = await stage.care({ task: 'delete', planId, sets: [setId], log: [] });
      expect(report).toMatchObject({ sets: 0, objects: 0 });
      expect(report.kept[0]?.why).toContain('missing or was exchanged');
    });

    test('what somebody reads is not deleted, and is named in the warnings', async () => {
      reset();
      const setId = await stage.commit();
      stage.answer = () => ({ verdict: 'refused', why: 'run run_x reads it' });
      const report = await stage.care({ task: 'delete', planId, sets: [setId], log: [] });
      expect(report.warnings).toEqual([{ code: 'kept_after_all', detail: `${setId}: run run_x reads it` }]);
      expect((await openSet(stage.pool, setId)).meta.summary.setId).toBe(setId);
    });

    test('a store that protects its objects is told as that, with the object and its reason, and the set stays', async () => {
      const setId = await stage.commit();
      const refusing: ObjectStore = {
        ...stage.pool.store,
        remove: () => Promise.reject(fail('pool_refused', { pool: 'care', why: 'AccessDenied: WORM protected' })),
      };
      const pool = { ...stage.pool, store: refusing };
      await expect(removeCommitPoint(pool, setMetaKey(setId))).rejects.toMatchObject({
        ...{ code: 'delete_refused', class: 'precondition' },
        params: { object: setMetaKey(setId), why: 'AccessDenied: WORM protected' },
      });
      expect((await openSet(stage.pool, setId)).meta.summary.setId).toBe(setId);
    });

    test('many marks of one set at once get numbers of their own, each once, and fold in order', async () => {
      const setId = testIds('set');
      const marks = ['a', 'b', 'c', 'd'].map((text) => markOf(setId, 'label', text));
      await Promise.all(marks.map((mark) => putMark(stage.pool, mark)));
      const [again] = marks;
      if (again !== undefined) await putMark(stage.pool, again);
      const read = await readMarks(stage.pool, setId);
      expect(read.marks.map(({ seq }) => seq)).toEqual([1, 2, 3, 4]);
      expect([...standingOf(read.marks).labels].sort()).toEqual(['a', 'b', 'c', 'd']);
      expect(read.unreadable).toEqual([]);
      const all: string[] = [];
      for await (const one of listMarks(stage.pool)) all.push(one.setId);
      expect(all).toContain(setId);
    });

    test('log of a plan goes and the chain of what stays is explained by a note, killed in between or not', async () => {
      reset();
      const first = await stage.log(1, 3, '');
      await nextMs();
      const second = await stage.log(4, 3, first.sha256);
      await nextMs();
      const third = await stage.log(7, 3, second.sha256);
      await nextMs();
      await stage.log(10, 1, third.sha256);
      const task = { task: 'delete', planId, sets: [], log: [logToDelete(first.batch, second.batch)] } as const;
      const runId = testIds('run');
      stage.hear = () => {
        throw bug('killed');
      };
      await expect(stage.care(task, runId)).rejects.toThrow('killed');
      reset();
      const report = await stage.care(task, runId);
      expect(report).toMatchObject({ batches: 2, kept: [] });
      const left = await stage.keys('logs/');
      expect(left.filter((key) => key.includes('batches/'))).toHaveLength(2);
      expect(left).toHaveLength(2 + 4);
      const problems: string[] = [];
      const batches: string[] = [];
      for await (const batch of readBatches(stage.pool, (problem) => problems.push(problem.message)))
        batches.push(batch.batchId);
      expect(batches[0]).toBe(third.batch.batchId);
      expect(problems).toEqual([]);
      expect(await stage.keys('marks/log/')).toHaveLength(1);
      const notes = await readTruncations(stage.pool, { systemId: sampleSystemId, branchId });
      const gone = [first, second].flatMap(({ batch }) => batch.segments);
      expect(gone).toHaveLength(6);
      expect(notes[0]?.segments).toEqual(gone.map(({ name, rawSha256 }) => ({ name, rawSha256 })));
    });

    test('a batch that somebody took away is still a break: only what a note names is explained', async () => {
      const batches = (await stage.keys('logs/')).filter((key) => key.includes('batches/'));
      const [taken = ''] = batches;
      await stage.pool.store.remove([parseObjectKey(taken)]);
      const problems: string[] = [];
      const left: string[] = [];
      for await (const batch of readBatches(stage.pool, (problem) => problems.push(problem.code)))
        left.push(batch.batchId);
      expect(left).toHaveLength(1);
      expect(problems).toEqual(['batch_chain_broken']);
    });

    test('segments that no batch names are collected, those of batches stay', async () => {
      reset();
      const before = await stage.keys('logs/');
      const named = before.filter((key) => key.includes('batches/')).length;
      expect(before.length - named).toBeGreaterThan(1);
      const refused = { verdict: 'refused', why: 'young' } as const;
      stage.answer = () => refused;
      const held = await stage.care({ task: 'collect', isDryRun: true, graceHours: 1 });
      expect(held).toMatchObject({
        objects: 0,
        kept: (await stage.care({ task: 'collect', isDryRun: false, graceHours: 1 })).kept,
      });
      expect(held.kept.map(({ why }) => why)).toContain('young');
      stage.answer = (claim) => (claim.kind === 'log' ? { verdict: 'granted' } : refused);
      const look = await stage.care({ task: 'collect', isDryRun: true, graceHours: 1 });
      expect(look).toMatchObject({ isDryRun: true });
      expect(await stage.keys('logs/')).toEqual(before);
      const report = await stage.care({ task: 'collect', isDryRun: false, graceHours: 1 });
      expect(report.objects).toBe(look.objects);
      const problems: string[] = [];
      for await (const batch of readBatches(stage.pool, (problem) => problems.push(problem.code)))
        for (const { object } of batch.segments)
          expect(await stage.keys('logs/')).toContain(`logs/${sampleSystemId}/${branchId}/${object}`);
    });

    test('pieces of an ended run that never committed are collected; those of a refused claim and of sets stay', async () => {
      reset();
      const [dead, alive, set] = [await stage.leave(), await stage.leave(), await stage.commit()];
      stage.answer = (claim) =>
        claim.kind === 'orphan' && claim.setId !== dead.setId
          ? { verdict: 'refused', why: 'its run has not ended' }
          : { verdict: 'granted' };
      const look = await stage.care({ task: 'collect', isDryRun: true, graceHours: 1 });
      expect(look).toMatchObject({ sets: 1, objects: 4 });
      expect((await stage.keys()).filter((key) => key.includes(dead.setId))).toHaveLength(4);
      const report = await stage.care({ task: 'collect', isDryRun: false, graceHours: 1 });
      expect(report).toMatchObject({ sets: 1, objects: 4 });
      expect(report.kept).toContainEqual({ what: alive.setId, why: 'its run has not ended' });
      expect((await stage.keys()).filter((key) => key.includes(dead.setId))).toEqual([]);
      expect((await stage.keys()).filter((key) => key.includes(alive.setId))).toHaveLength(4);
      expect((await openSet(stage.pool, set)).meta.summary.setId).toBe(set);
      expect(stage.claims.find((claim) => claim.kind === 'orphan' && claim.setId === dead.setId)).toMatchObject({
        madeBy: dead.runId,
      });
    });
  });
}

const markOf = (setId: Parameters<typeof readMarks>[1], kind: 'hold' | 'label' | 'name', text: string) => ({
  ...{ markId: testIds('mark'), setId, kind, at: instantFromMs(Date.now()), by: 'test', text },
});
