import { resolve } from 'node:path';
import { expect, test } from 'vitest';
import { ownedIds, titlesById } from '#scripts/generate/requirements.ts';
import { testTitles } from '#scripts/generate/test-titles.ts';

const known = titlesById(testTitles(resolve(import.meta.dirname, '..', '..')));

test.each(ownedIds)('the promise %s has a test', (id) => {
  expect(known.get(id) ?? []).not.toEqual([]);
});
