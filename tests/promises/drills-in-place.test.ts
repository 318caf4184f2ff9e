import { existsSync, readFileSync, readdirSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { waitFor } from '#scripts/supervisor/wait.ts';
import type { Platform } from '#tests/support/platform.ts';
import { contentOf, openPlatform } from '#tests/support/platform.ts';
import { engineTitle, openSpare } from '#tests/support/platform-instance.ts';
import type { Postgres } from '#tests/support/postgres.ts';

let platform: Platform;
let spare: Postgres;
let near: string;

beforeAll(async () => {
  [platform, spare] = await Promise.all([openPlatform(), openSpare()]);
  await platform.register(platform.instance, 'main');
  await platform.logIn(platform.instance, 'main');
  near = await platform.localPool('near');
  await platform.register(spare, 'spare');
});
afterAll(async () => {
  const pid = pidOf(spare.dataDirectory);
  if (pid !== undefined) process.kill(pid, 'SIGINT');
  await spare.close();
  await platform.close();
});

/** Process that serves a data directory. */
function pidOf(directory: string): number | undefined {
  const file = ['postmaster.pid', 'kingbase.pid'].map((name) => join(directory, name)).find((path) => existsSync(path));
  return file !== undefined ? Number.parseInt(readFileSync(file, 'utf8'), 10) : undefined;
}

const planShape = z.looseObject({ steps: z.array(z.string()), consent: z.string() });
const runShape = z.looseObject({ id: z.string() });
const resourceShape = z.looseObject({ name: z.string(), systemId: z.string(), copyOf: z.string().nullable() });
const foundShape = z.looseObject({ instance: z.looseObject({ systemId: z.string() }) });
const shownShape = z.looseObject({ report: z.looseObject({ isPassed: z.boolean() }) });
const stateShape = z.looseObject({ run: z.looseObject({ state: z.string() }) });
const until = async (run: string, state: string): Promise<void> => {
  const isThere = async (): Promise<boolean> =>
    stateShape.parse(await platform.done(['run', 'show', run])).run.state === state;
  await waitFor(isThere, 60_000);
  expect(await platform.done(['run', 'show', run])).toMatchObject({ run: { state } });
};
const drillTo = (target: string): string[] => ['drill', 'run', '--resource', 'main', '--wait', '--target', target];

test(`K-092 K-105 a drill replaces a registered instance that was consented to and marked once, and never the source: ${engineTitle}`, async () => {
  const archive = ['--archive-directory', platform.instance.archiveDirectory, '--archive-retention', 'keep'];
  await platform.done(['backup', '--type', 'full', '--resource', 'main', '--pool', 'near', ...archive, '--wait']);
  expect(await platform.refused(3, drillTo('spare'))).toMatchObject({ code: 'drill_target_unmarked' });
  expect(await platform.refused(3, drillTo('main'))).toMatchObject({ code: 'drill_target_is_source' });
  const markOf = (resource: string, consent: string) => ['drill', 'target', 'mark', resource, '--consent', consent];
  expect(await platform.refused(3, markOf('main', 'main'))).toMatchObject({ code: 'drill_target_is_source' });
  const wrong = await platform.refused(3, markOf('spare', 'main'));
  expect(wrong).toMatchObject({ code: 'drill_target_consent_mismatch' });
  const plan = planShape.parse(await platform.done(['drill', 'target', 'mark', 'spare']));
  expect(plan.steps.join(' ')).toContain('DISCARDS');
  await platform.done(markOf('spare', plan.consent));
  expect(await platform.done(['drill', 'target', 'ls'])).toMatchObject([{ resource: 'spare' }]);

  // A run of its own that is open comes first: nothing is closed.
  await platform.logIn(spare, 'spare');
  const backUp = ['backup', '--type', 'full', '--resource', 'spare', '--pool', 'near', '--archive-retention', 'keep'];
  const own = runShape.parse(
    await platform.done([...backUp, '--archive-directory', spare.archiveDirectory, '--limit-transfer', '1KiB/s']),
  );
  await until(own.id, 'running');
  const server = pidOf(spare.dataDirectory);
  expect(await platform.refused(3, drillTo('spare'))).toMatchObject({
    ...{ code: 'drill_target_busy', params: { run: own.id, target: 'spare' } },
  });
  expect(pidOf(spare.dataDirectory)).toBe(server);
  await platform.done(['run', 'cancel', own.id]);
  await until(own.id, 'cancelled');

  const run = runShape.parse(await platform.done([...drillTo('spare'), '--afterwards', 'leave-open']));
  const { report } = shownShape.parse(await platform.done(['drill', 'show', run.id]));
  expect(report).toMatchObject({ isPassed: true, target: { name: 'spare' } });
  expect(readlinkSync(`/proc/${String(pidOf(spare.dataDirectory))}/cwd`)).toBe(spare.dataDirectory);
  const beside = readdirSync(join(spare.dataDirectory, '..')).filter((name) => name.startsWith('data'));
  expect(beside).toEqual(['data']);
  expect(pidOf(platform.instance.dataDirectory)).toBeDefined();

  // It stays the resource that it was, and nothing of it ever reaches a pool.
  const [found] = z
    .tuple([foundShape])
    .parse(
      await platform.done([
        'resource',
        'discover',
        platform.host,
        '--register',
        '--data-directory',
        spare.dataDirectory,
      ]),
    );
  expect(found).toMatchObject({ resource: 'spare', isDrillTarget: true, copyOf: 'main' });
  const known = z.array(resourceShape).parse(await platform.done(['resource', 'ls']));
  expect(known.map(({ name, copyOf }) => [name, copyOf])).toEqual([
    ['main', null],
    ['spare', 'main'],
  ]);
  expect(known.find(({ name }) => name === 'spare')?.systemId).not.toBe(found.instance.systemId);
  const pool = contentOf(near);
  for (const type of ['full', 'log']) {
    const refusal = await platform.refused(3, ['backup', '--type', type, '--resource', 'spare', '--pool', 'near']);
    expect(refusal).toMatchObject({ code: 'resource_holds_copy', params: { resource: 'spare', source: 'main' } });
  }
  expect(contentOf(near)).toEqual(pool);

  // While a drill to it is open, taking the mark away would not save it: that is said, and the drill goes on.
  const next = runShape.parse(await platform.done(drillTo('spare').filter((word) => word !== '--wait')));
  const inUse = await platform.refused(3, ['drill', 'target', 'unmark', 'spare']);
  expect(inUse).toMatchObject({ code: 'drill_target_in_use', params: { run: next.id } });
  // Without a canary less is proven, which is a warning.
  expect(await platform.done(['run', 'watch', next.id])).toMatchObject({ state: 'warned' });

  await platform.done(['drill', 'target', 'unmark', 'spare']);
  expect(await platform.refused(3, drillTo('spare'))).toMatchObject({ code: 'drill_target_unmarked' });
});
