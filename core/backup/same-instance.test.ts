import { expect, test } from 'vitest';
import { requireSameInstance } from './same-instance.ts';

const before = { role: 'primary', timeline: 3, systemId: '7432109876543210987' };

test.each([
  ['the role', { role: 'standby' }, 'primary', 'standby'],
  ['the timeline', { timeline: 4 }, '3', '4'],
  ['the system identifier', { systemId: '1' }, before.systemId, '1'],
])('a backup during which %s changed fails and says how', (what, change, was, is) => {
  const check = (): void => {
    requireSameInstance('/run:5432', before, { ...before, ...change });
  };
  expect(check).toThrow(
    expect.objectContaining({ code: 'role_changed', params: { instance: '/run:5432', what, before: was, after: is } }),
  );
});

test('an instance that stayed what it was passes', () => {
  requireSameInstance('/run:5432', before, { ...before });
});
