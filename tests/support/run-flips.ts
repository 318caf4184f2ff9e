import { expect } from 'vitest';
import { drawing } from './care-draw.ts';
import type { Region, Shown } from './harm.ts';
import { HarmStage, harms } from './harm.ts';

/** A plain `start` says whose a set is: nothing of it is needed to read the set. */
const isUnneeded = ({ kind }: Region, stage: HarmStage): boolean =>
  kind.startsWith('start') && stage.name.startsWith('plain');

/** Stages of every kind of pool: plain and encrypted, compressed and not. */
export async function openHarmStages(): Promise<readonly HarmStage[]> {
  const stages: HarmStage[] = [];
  for (const isEncrypted of [false, true])
    for (const level of [3, 0]) stages.push(await HarmStage.open(isEncrypted, level));
  return stages;
}

/** Damage that is there must be found by whoever looks for it and by whoever needs the object. */
export function demandFound(shown: Shown, where: string, isNeeded: boolean): void {
  expect(shown.byVerify, `verify, ${where}`).not.toBe('');
  if (isNeeded) expect(shown.byRestore, `restore, ${where}`).not.toBe('');
}

/**
 * So many flipped bits, drawn evenly over kinds of pools, of objects and of their parts. Every one must be found by a
 * verification and by a restore, and no restore may have written a wrong byte. Returns how many there were of each kind.
 */
export async function runFlips(
  stages: readonly HarmStage[],
  count: number,
  seed: number,
): Promise<ReadonlyMap<string, number>> {
  const draw = drawing(seed);
  const strata = stages.flatMap((stage) => {
    const kinds = [...new Set(stage.regions.map(({ kind }) => kind))].sort();
    return kinds.map((kind) => ({ stage, kind, regions: stage.regions.filter((region) => region.kind === kind) }));
  });
  const order = strata.map((stratum) => ({ stratum, turn: draw(1_000_000) })).sort((a, b) => a.turn - b.turn);
  const counts = new Map<string, number>();
  for (let i = 0; i < count; i++) {
    const { stratum } = order[i % order.length] ?? {};
    const region = stratum?.regions[draw(stratum.regions.length)];
    if (stratum === undefined || region === undefined) continue;
    const [at, bit] = [region.from + draw(region.length), draw(8)];
    const where = `${stratum.stage.name}: bit ${String(bit)} of byte ${String(at)} of ${region.object} (${region.kind}), flip ${String(i)} of seed ${String(seed)}`;
    const shown = await stratum.stage.look(region.object, harms.flip(at, bit));
    demandFound(shown, where, !isUnneeded(region, stratum.stage));
    counts.set(region.kind, (counts.get(region.kind) ?? 0) + 1);
  }
  return counts;
}
