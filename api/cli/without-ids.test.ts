import { expect, test } from 'vitest';
import { withoutIds } from './without-ids.ts';

test('ids of requirements do not reach the terminal, whatever stands beside them does', () => {
  expect(withoutIds('becomes a full (K-048)')).toBe('becomes a full');
  expect(withoutIds('parallel streams, 1 to 255 (1; K-081)')).toBe('parallel streams, 1 to 255 (1)');
  expect(withoutIds('create a backup job (K-074, K-076)')).toBe('create a backup job');
  expect(withoutIds('three jobs (K-058…K-060) at once')).toBe('three jobs at once');
  expect(withoutIds('IANA time zone (that of this terminal)')).toBe('IANA time zone (that of this terminal)');
});
