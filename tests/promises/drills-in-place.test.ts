import { existsSync, readFileSync, readdirSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import type { Platform } from '#tests/support/platform.ts';
import { openPlatform } from '#tests/support/platform.ts';
import type { Postgres } from '#tests/support/postgres.ts';
import { openPostgres } from '#tests/support/postgres.ts';

let platform: Platform;
let spare: Postgres;

beforeAll(async () => {
  [platform, spare] = await Promise.all([openPlatform(), openPostgres()]);
  await platform.register(platform.instance, 'main');
  await platform.logIn(platform.instance, 'main');
  await platform.localPool('near');
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
  const file = join(directory, 'postmaster.pid');
  return existsSync(file) ? Number.parseInt(readFileSync(file, 'utf8'), 10) : undefined;
}

const planShape = z.looseObject({ steps: z.array(z.string()), consent: z.string() });
const runShape = z.looseObject({ id: z.string() });
const shownShape = z.looseObject({ report: z.looseObject({ isPassed: z.boolean() }) });
const drillTo = (target: string): string[] => ['drill', 'run', '--resource', 'main', '--wait', '--target', target];

test('K-092 K-105 a drill replaces a registered instance that was consented to and marked once, and never the source', async () => {
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

  const run = runShape.parse(await platform.done([...drillTo('spare'), '--afterwards', 'leave-open']));
  const { report } = shownShape.parse(await platform.done(['drill', 'show', run.id]));
  expect(report).toMatchObject({ isPassed: true, target: { name: 'spare' } });
  expect(readlinkSync(`/proc/${String(pidOf(spare.dataDirectory))}/cwd`)).toBe(spare.dataDirectory);
  const beside = readdirSync(join(spare.dataDirectory, '..')).filter((name) => name.startsWith('data'));
  expect(beside).toEqual(['data']);
  expect(pidOf(platform.instance.dataDirectory)).toBeDefined();

  await platform.done(['drill', 'target', 'unmark', 'spare']);
  expect(await platform.refused(3, drillTo('spare'))).toMatchObject({ code: 'drill_target_unmarked' });
});
