import { beforeAll, expect, test } from 'vitest';
import { bug } from '#core/errors/fail.ts';
import type { Death, Deed } from '../support/fault-deaths.ts';
import { allDeaths, nameOfDeath } from '../support/fault-deaths.ts';
import type { FaultStage } from '../support/fault-sweep.ts';
import { openFaultStage } from '../support/fault-sweep.ts';

/** Others every day; all of them in `tests/deep/fault-points.test.ts`. HOLDFAST_SEED repeats a day. */
const day = Number(process.env['HOLDFAST_SEED'] ?? Math.floor(Date.now() / 86_400_000));

const throughProduct = allDeaths.filter((death): death is Death & { deed: Deed } => death.deed !== 'swap');
const ofToday = throughProduct[day % throughProduct.length];

let stage: FaultStage;
beforeAll(async () => {
  stage = await openFaultStage(12);
  return () => stage.close();
});

test('K-005 K-084 an agent that dies at the named point of the day ends its run right when it is back', async () => {
  if (ofToday === undefined) throw bug('there are no fault points');
  process.stdout.write(`HOLDFAST_SEED=${String(day)}: ${nameOfDeath(ofToday)}\n`);
  const { state } = await stage.die(ofToday);
  expect(['succeeded', 'warned']).toContain(state);
});
