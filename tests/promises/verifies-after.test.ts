import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { SetId } from '#core/id.ts';
import type { PoolAccess } from '#core/pool/pool-access.ts';
import type { Folder } from '../support/folder.ts';
import { openFolder } from '../support/folder.ts';
import type { LiveAgent } from '../support/live-agent.ts';
import { fillWithNoise, openLiveAgent } from '../support/live-agent.ts';
import type { Orchestra } from '../support/orchestra.ts';
import { newId, openOrchestra } from '../support/orchestra.ts';
import type { Postgres } from '../support/postgres.ts';
import { openPostgres } from '../support/postgres.ts';
import { temporalAddress } from '../support/temporal.ts';

let orchestra: Orchestra;
let postgres: Postgres;
let folder: Folder;
let live: LiveAgent;
let pool: PoolAccess;
/** Harm that is done to the next set as soon as it is committed. */
let harm: ((setId: SetId) => void) | undefined;
beforeAll(async () => {
  orchestra = openOrchestra(await temporalAddress());
  folder = openFolder('hf-verifies-');
  postgres = await openPostgres({ archive: true });
  await fillWithNoise(postgres, 2);
  const place = { kind: 'local' as const, directory: join(folder.path, 'pool') };
  pool = { poolId: newId('pool'), name: 'verified', place, secrets: {} };
  const onCommit = (setId: SetId): void => harm?.(setId);
  live = await openLiveAgent({ orchestra, postgres, folder: folder.path, pool, onCommit });
});
afterAll(async () => {
  await live.close();
  await postgres.close();
  await orchestra.close();
  folder.remove();
});

/** Turns one bit in the middle of the largest piece of a set. */
function flipOneBit(setId: SetId): void {
  const set = join(folder.path, 'pool', 'sets', setId);
  const pieces = readdirSync(set, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.bak'));
  const largest = pieces
    .map((name) => ({ path: join(set, name), bytes: readFileSync(join(set, name)) }))
    .reduce((a, b) => (a.bytes.length >= b.bytes.length ? a : b));
  const at = largest.bytes.length >> 1;
  largest.bytes[at] = (largest.bytes[at] ?? 0) ^ 1;
  writeFileSync(largest.path, largest.bytes);
}

const fast = { limits: {} };

test.each(['quick', 'full'] as const)(
  'a backup that is read back (%s) before it is called good says so',
  async (verifyAfter) => {
    const ticket = await live.backup(fast, { verifyAfter });
    const outcome = await (await orchestra.start(ticket)).result();
    expect(outcome).toMatchObject({ state: 'succeeded', result: { verified: { depth: verifyAfter, damage: [] } } });
    expect(orchestra.book.events).toContain(`${ticket.runId} ${ticket.setId ?? ''}`);
  },
  300_000,
);

test('a set that does not read back is a failed run that names the set, although the backup itself went well', async () => {
  harm = flipOneBit;
  const ticket = await live.backup(fast, { verifyAfter: 'full' });
  await (await orchestra.start(ticket)).result().catch(() => undefined);
  expect(orchestra.book.outcome(ticket.runId)).toMatchObject({
    state: 'failed',
    code: 'set_damaged',
    params: { set: ticket.setId },
  });
}, 300_000);
