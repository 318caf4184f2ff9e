import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { drawing } from '../support/care-draw.ts';
import type { HarmStage } from '../support/harm.ts';
import { harms } from '../support/harm.ts';
import { demandFound, openHarmStages, runFlips } from '../support/run-flips.ts';
import { circumstances, writeEvidence } from '../support/evidence.ts';

const hour = 3_600_000;
const seed = 20_261_121;
let stages: readonly HarmStage[];
beforeAll(async () => {
  stages = await openHarmStages();
});
afterAll(async () => {
  for (const stage of stages) await stage.close();
});

test(
  'D-002 1 000 of 1 000 flipped bits are found by verify and by restore, and no wrong byte is ever written',
  async () => {
    const counts = await runFlips(stages, 1000, seed);
    expect([...counts.values()].reduce((sum, n) => sum + n, 0)).toBe(1000);
    expect(counts.size).toBeGreaterThan(20);
    writeEvidence('bit-flips', {
      ...circumstances('npx vitest run --project deep tests/deep/bit-flips.test.ts'),
      ...{ seed, pools: stages.map(({ name }) => name), flips: 1000, foundByVerify: 1000, wrongBytesWritten: 0 },
      foundByRestore: 'every one but those in the start object of a plain pool, which no restore reads',
      flipsByRegion: Object.fromEntries([...counts].sort()),
    });
  },
  hour,
);

describe('D-002 an object', () => {
  const needed = (stage: HarmStage): readonly string[] =>
    [...new Set(stage.regions.map(({ object }) => object))].filter(
      // Without commit point there is no set and no batch; a plain start is not needed; the last mark leaves no gap.
      (object) => !/\/(meta|start)$|^marks\/|\/batches\//.test(object),
    );

  test(
    'that is gone or cut anywhere is found by verify and by restore',
    async () => {
      const draw = drawing(7);
      for (const stage of stages)
        for (const object of needed(stage)) {
          const sizes = stage.regions
            .filter((region) => region.object === object)
            .map(({ from, length }) => from + length);
          const cuts = [0, 1, 27, draw(Math.max(...sizes)), Math.max(...sizes) - 1];
          for (const at of cuts)
            demandFound(await stage.look(object, harms.cut(at)), `${stage.name}: ${object} cut at ${String(at)}`, true);
          if (object !== 'holdfast.json')
            demandFound(await stage.look(object, harms.remove()), `${stage.name}: ${object} gone`, true);
        }
    },
    hour,
  );

  test(
    'that another one of its kind was put in place of is found by verify and by restore',
    async () => {
      for (const stage of stages) {
        const objects = [...new Set(stage.regions.map(({ object }) => object))];
        for (const end of [/\.bak$/, /\/meta$/]) {
          const ofKind = objects.filter((object) => end.test(object));
          for (const [i, object] of ofKind.entries()) {
            const other = ofKind[(i + 1) % ofKind.length] ?? '';
            const shown = await stage.look(object, harms.exchange(stage.pathOf(other)));
            demandFound(shown, `${stage.name}: ${other} in place of ${object}`, true);
          }
        }
      }
    },
    hour,
  );
});
