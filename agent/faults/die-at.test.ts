import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { faultPointNames } from '#core/faults/fault-points.ts';
import { dieAt } from './die-at.ts';

test('nothing can die that was not told to', () => {
  expect(dieAt(undefined)).toBeUndefined();
});

test('a process passes every point but that of its fault, and that one until its time', () => {
  const faults = dieAt({ point: 'backup.after-put', time: 3 });
  for (const point of faultPointNames) faults?.reach(point);
  faults?.reach('backup.after-put');
  expect(faults?.fault).toEqual({ point: 'backup.after-put', time: 3 });
});

test('every named point is reached in exactly one place of the agent', () => {
  const agent = join(import.meta.dirname, '..');
  const sources = readdirSync(agent, { recursive: true, encoding: 'utf8' }).filter(
    (name) => name.endsWith('.ts') && !name.endsWith('.test.ts'),
  );
  const text = sources.map((name) => readFileSync(join(agent, name), 'utf8')).join('\n');
  const places = faultPointNames.map((point) => [point, text.split(`, '${point}')`).length - 1]);
  expect(places).toEqual(faultPointNames.map((point) => [point, 1]));
});
