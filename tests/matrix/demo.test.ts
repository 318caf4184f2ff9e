import { expect, test } from 'vitest';
import { playDemo } from '#tests/support/demo.ts';

// The whole product once for each version: every other cell of the matrix works with the engine alone.
test.each(['12', '13', '14', '15', '16', '17', '18'])(
  'every check of the demo holds on PostgreSQL %s',
  async (major) => {
    const { end, verdict, said } = await playDemo(['--pg', major]);
    expect({ end, failed: verdict.checks.filter(({ ok }) => !ok) }, said).toEqual({ end: '0', failed: [] });
  },
  300_000,
);

test('every check of the demo holds on PostgreSQL 15 with a pool in S3', async () => {
  const { end, verdict, said } = await playDemo(['--pg', '15', '--pool', 's3']);
  expect({ end, failed: verdict.checks.filter(({ ok }) => !ok) }, said).toEqual({ end: '0', failed: [] });
}, 300_000);
