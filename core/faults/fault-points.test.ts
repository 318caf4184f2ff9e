import { expect, test } from 'vitest';
import type { Faults } from './fault-points.ts';
import { faultPointNames, parseFault, reach } from './fault-points.ts';

test('a fault is named by its point, and by the time when it is not the first', () => {
  expect(parseFault('backup.after-put')).toEqual({ point: 'backup.after-put', time: 1 });
  expect(parseFault('log.after-batch:12')).toEqual({ point: 'log.after-batch', time: 12 });
});

test.each(['', 'backup', 'toString', 'backup.after-put:', 'backup.after-put:0', 'backup.after-put:1:1', 'x.y:1'])(
  '%j is no fault',
  (text) => {
    expect(parseFault(text)).toBeUndefined();
  },
);

test('a step without faults passes every point, one with faults tells of each', () => {
  const reached: string[] = [];
  const faults: Faults = {
    fault: { point: 'backup.after-put', time: 1 },
    reach: (point) => void reached.push(point),
  };
  for (const point of faultPointNames) {
    reach({}, point);
    reach({ faults }, point);
  }
  expect(reached).toEqual(faultPointNames);
});
