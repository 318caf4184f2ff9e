import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';
import type { DatabaseRecoveryOrder } from '#core/transfer/order.ts';
import type { TransferStage } from './transfer-stage.ts';

export type KillInstant = 'in the transfer' | 'before the swap' | 'at the swap' | 'after the swap';

/** Begins a recovery as a process of its own and kills it at an instant; at the swap some milliseconds after it was let go. */
export async function killRecovery(
  stage: TransferStage,
  order: DatabaseRecoveryOrder,
  { instant, delayMs }: { readonly instant: KillInstant; readonly delayMs: number },
): Promise<void> {
  const file = join(stage.bench.folder, `${order.runId}.json`);
  const { programs, account } = stage;
  writeFileSync(file, JSON.stringify({ order, instant, home: stage.bench.home, programs, account }));
  const child = spawn(process.execPath, ['--import', 'tsx', join(import.meta.dirname, 'transfer-child.ts'), file], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = new Promise((resolve) => child.once('exit', resolve));
  for await (const line of createInterface({ input: child.stdout })) if (line === 'reached') break;
  await pause(delayMs);
  child.kill('SIGKILL');
  await ended;
}
