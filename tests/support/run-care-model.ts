import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { z } from 'zod';
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

const countsShape = z.record(z.string(), z.number());

/** The same in a process of its own, so that lives go side by side on as many processors as there are. */
export async function startCareModel(operations: number, seed: number): Promise<z.output<typeof countsShape>> {
  const program = join(import.meta.dirname, 'care-model-child.ts');
  const args = ['--import', 'tsx', program, String(operations), String(seed)];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  const ended = once(child, 'exit');
  const [said, complained] = await Promise.all([text(child.stdout), text(child.stderr)]);
  await ended;
  if (child.exitCode !== 0) throw bug(`the life of seed ${String(seed)} ends right, but: ${complained}`);
  return countsShape.parse(JSON.parse(said));
}
