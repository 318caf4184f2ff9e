import { expect, test } from 'vitest';
import { checkNames } from '#scripts/demo/checks.ts';
import { playDemo } from '#tests/support/demo.ts';

test.each(checkNames)('the demo fails with exactly the check %s when what it proves is broken', async (check) => {
  const { end, verdict, said } = await playDemo([], { HOLDFAST_SABOTAGE: check });
  expect({ end, failed: verdict.checks.filter(({ ok }) => !ok).map(({ name }) => name) }, said).toEqual({
    end: '1',
    failed: [check],
  });
});
