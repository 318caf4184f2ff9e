import { expect, test } from 'vitest';
import { z } from 'zod';
import { wayShape, waysOf } from './restore-way-words.ts';

const parsed = (args: Record<string, unknown>) => waysOf(z.object(wayShape).parse(args));

test('a restore as usual asks for nothing beside the usual', () => {
  expect(parsed({})).toEqual({});
});

test('options beside the usual become what the API is asked for', () => {
  const standby = { asStandby: true, primaryHost: 'db1', primaryUser: 'replicator', primaryPassfile: '/p' };
  expect(parsed(standby)).toEqual({
    ways: { endsAs: 'standby', primary: { host: 'db1', port: 5432, user: 'replicator', passFile: '/p' } },
  });
  expect(parsed({ filesOnly: true, verifyFiles: true, acceptDamage: 'main' })).toEqual({
    ways: { endsAs: 'files', provesFiles: true, damageConsent: 'main' },
  });
  expect(parsed({ delta: true })).toEqual({ ways: { isDelta: true } });
});

test('options that contradict each other, and half a primary, are refused at once', () => {
  const conflict = expect.objectContaining({ code: 'restore_ways_conflict' }) as Error;
  expect(() => parsed({ filesOnly: true, asStandby: true })).toThrow(conflict);
  expect(() => parsed({ asStandby: true, primaryHost: 'db1' })).toThrow(conflict);
});
