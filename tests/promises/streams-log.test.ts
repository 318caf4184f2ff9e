import { join } from 'node:path';
import type { Client } from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { waitFor } from '#scripts/supervisor/wait.ts';
import type { Platform } from '#tests/support/platform.ts';
import { openPlatform } from '#tests/support/platform.ts';
import { connectTo } from '#tests/support/restored-copy.ts';

let platform: Platform;
const where = ['--resource', 'main', '--pool', 'vault'];
const runShape = z.looseObject({ id: z.string(), setId: z.string().nullish() });
const timelineShape = z.array(
  z.looseObject({
    timeline: z.looseObject({
      coveredUntil: z.string().optional(),
      branches: z.array(z.looseObject({ gaps: z.array(z.unknown()) })),
    }),
  }),
);

beforeAll(async () => {
  platform = await openPlatform();
  await platform.localPool('vault');
  await platform.register(platform.instance, 'main');
  await platform.logIn(platform.instance, 'main');
});
afterAll(async () => {
  await platform.close();
});

const withServer = async <T>(use: (client: Client) => Promise<T>): Promise<T> => {
  const client = await platform.instance.connect();
  try {
    return await use(client);
  } finally {
    await client.end();
  }
};

/** Waits until the timeline says that everything up to this moment is in the pool. */
async function untilCovered(): Promise<void> {
  const now = await withServer(async (client) => {
    const { rows } = await client.query<{ now: Date }>('select clock_timestamp() as now');
    return rows[0]?.now.toISOString() ?? '';
  });
  const isCovered = async (): Promise<boolean> => {
    const [one] = timelineShape.parse(await platform.done(['timeline', 'main']));
    expect(one?.timeline.branches.flatMap(({ gaps }) => gaps)).toEqual([]);
    return (one?.timeline.coveredUntil ?? '') >= now;
  };
  expect(await waitFor(isCovered, 60_000)).toBe(true);
}

const rowsOf = async (name: string, ...target: string[]): Promise<unknown> => {
  const to = join(platform.folder, name);
  const run = await platform.done(['restore', 'run', '--resource', 'main', ...target, '--to', to, '--wait']);
  const copy = await connectTo(run, platform.instance.password);
  const { rows } = await copy.query('select count(*)::int as n from ledger');
  await copy.stop();
  return rows[0]?.['n'];
};

test('K-049 a stream follows by seconds, goes on after kill -9 of the agent, and takes its slot along', async () => {
  await withServer((client) => client.query('create table ledger as select generate_series(1, 100) as id'));
  await platform.done(['backup', '--type', 'full', ...where, '--wait']);
  const { id } = runShape.parse(
    await platform.done(['backup', '--type', 'log', '--stream', '--tail-every', '1', ...where]),
  );
  await untilCovered();
  expect(await platform.refused(3, ['backup', '--type', 'log', ...where, '--wait'])).toMatchObject({
    code: 'lane_busy',
  });
  await platform.stack.kill('agent');
  await withServer((client) => client.query('insert into ledger select generate_series(101, 200)'));
  await platform.stack.start('agent');
  await untilCovered();
  expect(await rowsOf('streamed', '--latest')).toBe(200);
  await platform.done(['run', 'cancel', id]);
  const isOver = async (): Promise<boolean> =>
    z.looseObject({ run: z.looseObject({ state: z.string() }) }).parse(await platform.done(['run', 'show', id])).run
      .state === 'cancelled';
  expect(await waitFor(isOver, 30_000)).toBe(true);
  const slots = await withServer((client) => client.query('select slot_name from pg_replication_slots'));
  expect(slots.rows).toEqual([]);
});

test('D-007 an instance that crashed is backed up by command line without login, and refused while it runs', async () => {
  const offline = ['backup', '--type', 'full', '--offline', ...where, '--wait'];
  expect(await platform.refused(3, offline)).toMatchObject({ code: 'instance_running' });
  expect(await platform.refused(2, ['backup', '--type', 'log', '--offline', ...where])).toMatchObject({
    code: 'value_malformed',
  });
  await withServer((client) => client.query('insert into ledger select generate_series(201, 300)'));
  await platform.stack.kill('demo-instance');
  let setId = '';
  // What a dead server leaves behind ends by itself, one process after the other.
  const isTaken = async (): Promise<boolean> => {
    const { exit, out } = await platform.holdfast(offline);
    if (exit === 0) setId = runShape.parse(out).setId ?? '';
    return exit === 0;
  };
  expect(await waitFor(isTaken, 60_000)).toBe(true);
  const shown = await platform.done(['set', 'show', setId]);
  expect(shown).toMatchObject({ summary: { offline: { state: 'crashed' } } });
  expect(await rowsOf('crashed', '--set', setId, '--immediate')).toBe(300);
});
