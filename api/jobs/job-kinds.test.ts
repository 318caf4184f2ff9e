import { expect, test } from 'vitest';
import { planTypes } from '#core/plan/plan.ts';
import { kindOfWork } from './job-kinds.ts';

const byHandOrOnce = ['immediate', 'once', 'manual'];

test.each(['full-backup', 'incremental-backup', 'log-backup', 'logical-backup'])(
  'K-001 K-002 K-061 K-078 a job of kind %s takes each of the seven plans and can be cloned',
  (kind) => {
    expect(kindOfWork({ kind })).toMatchObject({ plans: planTypes, isCloned: true });
    expect(planTypes).toHaveLength(7);
  },
);

test.each(['restore', 'logical-restore', 'log-restore', 'database-recovery'])(
  'K-006 K-099 K-100 K-102 K-104 a job of kind %s runs at once, once or by hand, and is not cloned',
  (kind) => {
    expect(kindOfWork({ kind })).toMatchObject({ plans: byHandOrOnce, isCloned: false });
  },
);

test('K-006 K-105 a job of drills runs by the plans that come again, or by hand', () => {
  expect(kindOfWork({ kind: 'drill' }).plans).toEqual(['hourly', 'daily', 'weekly', 'monthly', 'manual']);
});

test('a kind of work that no job has is refused', () => {
  expect(() => kindOfWork({ kind: 'repair' })).toThrow(expect.objectContaining({ code: 'request_invalid' }) as Error);
});
