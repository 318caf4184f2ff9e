import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';
import type { OrderOf } from '#core/agent/order.ts';
import type { AcknowledgedPiece } from '#agent/copy/copy-request.ts';

/** Runs a backup in a process of its own and kills it when the pool has two pieces; what its journal says was acknowledged. */
export async function acknowledgedByKilled(
  home: string,
  order: OrderOf<'full-backup'>,
): Promise<readonly AcknowledgedPiece[]> {
  const program = fileURLToPath(new URL('backup-program.ts', import.meta.url));
  const child = spawn(process.execPath, ['--import', 'tsx', program, home], { stdio: ['pipe', 'pipe', 'inherit'] });
  child.stdin.end(JSON.stringify(order));
  for await (const line of createInterface(child.stdout)) {
    if ((JSON.parse(line) as { piecesDone: number }).piecesDone >= 2) child.kill('SIGKILL');
  }
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  expect(child.signalCode).toBe('SIGKILL');
  const acknowledged = readFileSync(join(home, 'runs', order.runId, 'acknowledged.ndjson'), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as AcknowledgedPiece);
  return acknowledged;
}
