import { z } from 'zod';
import { readIfPresent } from '#agent/datadir/reader.ts';
import { faultPoints } from '#core/faults/fault-points.ts';
import { circumstances, evidencePath, writeEvidence } from './evidence.ts';
import type { Death } from './fault-deaths.ts';
import { allDeaths, nameOfDeath } from './fault-deaths.ts';
import type { DeathSeen } from './fault-play.ts';

const name = 'fault-points';
const command = 'npx vitest run --project deep tests/deep/fault-points.test.ts';
const rowShape = z.looseObject({ death: z.string() });
const evidenceShape = z.looseObject({ each: z.array(rowShape) });

/** Puts a death whose run ended right into the committed evidence, in place of what was known of it; others stay. */
export function recordDeath(death: Death, { acknowledged, state }: DeathSeen): void {
  const known = evidenceShape.parse(JSON.parse(readIfPresent(evidencePath(name)) ?? '{"each":[]}')).each;
  const { commit, date } = circumstances(command);
  const row = {
    ...{ death: nameOfDeath(death), means: faultPoints[death.point], acknowledgedThen: acknowledged },
    ...{ end: state, commit, date },
  };
  const names = allDeaths.map(nameOfDeath);
  const each = [...known.filter((one) => one.death !== row.death && names.includes(one.death)), row];
  each.sort((a, b) => names.indexOf(a.death) - names.indexOf(b.death));
  writeEvidence(name, {
    ...{ command, postgresql: '18', points: Object.keys(faultPoints).length, deaths: names.length },
    ...{ endedRight: each.length, acknowledgedPiecesPutAgain: 0, each },
  });
}
