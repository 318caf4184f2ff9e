import { beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import type { ComposeStage } from '#tests/support/compose-stage.ts';
import { openComposeStage } from '#tests/support/compose-stage.ts';

let stage: ComposeStage;

beforeAll(async () => {
  stage = await openComposeStage();
  return () => stage.close();
});

const list = z
  .object({ data: z.array(z.looseObject({ name: z.string() })) })
  .or(z.array(z.looseObject({ name: z.string() })));
const namesOf = (text: string): string[] => {
  const found = list.parse(JSON.parse(text));
  return (Array.isArray(found) ? found : found.data).map(({ name }) => name).sort();
};

test('K-007 the services of docker-compose.yml become healthy in their order, and both hosts enrol by themselves', async () => {
  expect(stage.order).toEqual(['init', 'api', 'worker', 'host1', 'host2']);
  for (const name of stage.order) await stage.start(name);
  const hosts = await stage.exec('api', ['holdfast', 'host', 'ls', '--json']);
  expect(namesOf(hosts)).toHaveLength(2);
  expect(await stage.exec('api', ['holdfast', 'doctor'])).not.toMatch(/^fail/m);
});

test('K-007 init may run again: what enrolled stays, and nothing is made anew', async () => {
  const before = await stage.exec('api', ['holdfast', 'host', 'ls', '--json']);
  await stage.start('init');
  expect(namesOf(await stage.exec('api', ['holdfast', 'host', 'ls', '--json']))).toEqual(namesOf(before));
});

test('a health check finds a worker and a host that have stopped', async () => {
  for (const name of ['worker', 'host2']) {
    await stage.stop(name);
    expect(await stage.isHealthy(name)).toBe(false);
    await stage.start(name);
    expect(await stage.isHealthy(name)).toBe(true);
  }
});
