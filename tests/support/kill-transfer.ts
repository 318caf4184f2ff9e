import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';
import { expect } from 'vitest';
import type { Fault } from '#core/faults/fault-points.ts';
import type { DatabaseRecoveryOrder } from '#core/transfer/order.ts';
import type { TransferStage } from './transfer-stage.ts';

export type KillInstant = 'in the transfer' | 'before the swap' | 'at the swap' | 'after the swap' | 'at a fault';

/** Begins a recovery as a process of its own and kills it at an instant; at the swap some milliseconds after it was let go. */
export async function killRecovery(
  stage: TransferStage,
  order: DatabaseRecoveryOrder,
  { instant, delayMs }: { readonly instant: KillInstant; readonly delayMs: number },
): Promise<void> {
  const child = startRecovery(stage, order, { instant });
  const ended = new Promise((resolve) => child.once('exit', resolve));
  for await (const line of createInterface({ input: child.stdout })) if (line === 'reached') break;
  await pause(delayMs);
  child.kill('SIGKILL');
  await ended;
}

/** Begins a recovery as a process of its own and kills it, in its swap, as soon as something is so. */
export async function killInSwapWhen(
  stage: TransferStage,
  order: DatabaseRecoveryOrder,
  isSo: () => Promise<boolean>,
): Promise<void> {
  const child = startRecovery(stage, order, { instant: 'at the swap' });
  const ended = new Promise((resolve) => child.once('exit', resolve));
  for await (const line of createInterface({ input: child.stdout })) if (line === 'reached') break;
  while (!(await isSo())) {
    expect(child.exitCode, 'the recovery is at work').toBeNull();
    await pause(20);
  }
  child.kill('SIGKILL');
  await ended;
}

/** Begins a recovery as a process of its own, which dies at a named point; fails when it gets to its end. */
export async function dieInRecovery(stage: TransferStage, order: DatabaseRecoveryOrder, fault: Fault): Promise<void> {
  const child = startRecovery(stage, order, { instant: 'at a fault', fault });
  const signal = await new Promise((resolve) => {
    child.once('exit', (_code, by) => {
      resolve(by);
    });
  });
  expect(signal, `${fault.point} was reached`).toBe('SIGKILL');
}

const startRecovery = (
  { bench, programs, account }: TransferStage,
  order: DatabaseRecoveryOrder,
  death: { readonly instant: KillInstant; readonly fault?: Fault },
) => {
  const file = join(bench.folder, `${order.runId}.json`);
  writeFileSync(file, JSON.stringify({ order, ...death, home: bench.home, programs, account }));
  return spawn(process.execPath, ['--import', 'tsx', join(import.meta.dirname, 'transfer-child.ts'), file], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
};
