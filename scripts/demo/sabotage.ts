import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Client } from 'pg';
import type { CheckName } from './checks.ts';
import type { PoolView } from './pool-view.ts';
import type { Stage } from './stage.ts';

/** True when the environment asks to break exactly this check. */
export const isSabotaged = (stage: Stage, check: CheckName): boolean => stage.options.sabotage === check;

/** Hides an object of the pool while `scene` looks at it, when the check is sabotaged. */
export async function withObjectHidden<T>(view: PoolView, key: string, scene: () => Promise<T>): Promise<T> {
  const body = await view.read(key);
  await view.remove(key);
  try {
    return await scene();
  } finally {
    await view.write(key, body);
  }
}

/** Turns over one bit in the middle of an object. */
export async function flipBit(view: PoolView, key: string): Promise<void> {
  const body = await view.read(key);
  const middle = Math.floor(body.length / 2);
  body[middle] = (body[middle] ?? 0) ^ 1;
  await view.remove(key);
  await view.write(key, body);
}

/** A client that sits in backup mode under our name, as a crashed run would leave it. */
export async function beginAbandonedBackup(stage: Stage): Promise<Client> {
  const client = await stage.source.connect();
  const isNew = stage.options.major >= 15;
  await client.query("set application_name = 'holdfast'");
  await client.query(isNew ? "select pg_backup_start('left', true)" : "select pg_start_backup('left', true, false)");
  return client;
}

/** Makes the second attempt forget what the first one stored. */
export function forgetAcknowledged(stage: Stage, runId: string): void {
  rmSync(join(stage.stack.places.agentHome, 'runs', runId), { recursive: true, force: true });
}

/** Leaves a foreign file in production's archive, as a copy that archives would. */
export function polluteArchive(stage: Stage): void {
  writeFileSync(join(stage.source.archiveDirectory, '00000002.history'), 'sabotage\n');
}
