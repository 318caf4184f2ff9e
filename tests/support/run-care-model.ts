import { bug } from '#core/errors/fail.ts';
import { CareModel } from './care-model.ts';

/** So many operations against the model; the seed is in every failure. */
export async function runCareModel(operations: number, seed: number): Promise<Record<string, number>> {
  const model = await CareModel.open(seed);
  try {
    for (let i = 0; i < operations; i++) {
      await model.step().catch((error: unknown) => {
        throw bug(`operation ${String(i)} of seed ${String(seed)}`, error);
      });
      if (i % 50 === 49) await model.compareDeeply();
    }
    await model.compareDeeply();
    return model.counts;
  } finally {
    await model.close();
  }
}
