import { expect, test } from 'vitest';
import { testIds } from '../support/catalog.ts';
import { openCareStage } from '../support/care-stage.ts';
import { testCare } from './care.ts';

testCare('s3');

test('in a bucket with object lock a set is gone for every reader, and the run says that old versions still take room', async () => {
  const stage = await openCareStage('s3 locked');
  const setId = await stage.commit();
  const report = await stage.care({ task: 'delete', planId: testIds('plan'), sets: [setId], log: [] });
  expect(report).toMatchObject({ sets: 1, kept: [] });
  expect(report.warnings).toMatchObject([{ code: 'deleted_versions_stay' }]);
  expect(report.warnings[0]?.detail).toContain('object lock');
  expect((await stage.keys()).filter((key) => key.includes(setId))).toEqual([]);
  await stage.close();
});
