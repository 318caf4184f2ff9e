import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { OrderOf } from '#core/agent/order.ts';
import type { BackupBench } from './backup.ts';
import type { Postgres } from './postgres.ts';
import type { RestoreBench } from './restore.ts';

/** Begins a restore as a process of its own and kills it when it has reported more bytes than `bytes`. */
export async function killRestore(
  order: OrderOf<'restore'>,
  {
    bench,
    postgres,
    restores,
    bytes,
  }: {
    readonly bench: BackupBench;
    readonly postgres: Postgres;
    readonly restores: RestoreBench;
    readonly bytes: number;
  },
): Promise<void> {
  const file = join(bench.folder, 'order.json');
  writeFileSync(
    file,
    JSON.stringify({ order, home: bench.home, programs: postgres.programs, account: restores.account }),
  );
  const child = spawn(process.execPath, ['--import', 'tsx', join(import.meta.dirname, 'restore-child.ts'), file], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = new Promise((resolve) => child.once('exit', resolve));
  for await (const line of createInterface({ input: child.stdout })) {
    if (Number(line.split(' ')[1]) > bytes) break;
  }
  child.kill('SIGKILL');
  await ended;
}
