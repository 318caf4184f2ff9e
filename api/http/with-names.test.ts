import { expect, test } from 'vitest';
import { testIds } from '#tests/support/catalog.ts';
import { withNames } from './with-names.ts';

test('progress names hosts and resources as people do; what has no name keeps its id', () => {
  const [hostId, resourceId] = [testIds('host'), testIds('res')];
  const run = { hostId, hostName: 'db1', resourceId, resourceName: 'main' };
  expect(withNames(`full-backup on ${hostId}`, run)).toBe('full-backup on db1');
  const inLine = `number 2 in the line for the data lane of ${resourceId}`;
  expect(withNames(inLine, run)).toBe('number 2 in the line for the data lane of main');
  expect(withNames(inLine, { ...run, resourceId: null, resourceName: null })).toBe(inLine);
  expect(withNames(`asking ${hostId}`, { ...run, hostName: null })).toBe(`asking ${hostId}`);
});
