import { readFileSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Worker } from '@temporalio/worker';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { failureConverterPath } from '#wire/data-converter.ts';
import '../support/test-runtime.ts';

const folder = fileURLToPath(new URL('.', import.meta.url));
const names = readdirSync(folder).filter((name) => name.endsWith('.json'));
const workflowBundle = { code: readFileSync(fileURLToPath(new URL('../../dist/workflow-bundle.js', import.meta.url)), 'utf8') };

test.each(names)('a run under way goes on after an upgrade: %s replays', async (name) => {
  const history: unknown = JSON.parse(readFileSync(`${folder}/${name}`, 'utf8'));
  await Worker.runReplayHistory({ workflowBundle, dataConverter: { failureConverterPath: failureConverterPath() } }, history);
});

test('recorded histories cover each workflow of a run and hold nothing sealed', () => {
  for (const workflow of ['execute-run', 'work', 'lane']) expect(names.filter((name) => name.startsWith(`${workflow}.`)).length).toBeGreaterThanOrEqual(2);
  for (const name of names) expect(readFileSync(`${folder}/${name}`, 'utf8')).not.toContain(Buffer.from('binary/encrypted').toString('base64'));
});

const eventsOf = (name: string): readonly { readonly eventType: string }[] =>
  z
    .object({ events: z.array(z.object({ eventType: z.string() })) })
    .parse(JSON.parse(readFileSync(`${folder}/${name}.json`, 'utf8'))).events;

test('an undisturbed run costs at most 60 events, its work included, and says in search attributes what it is about', () => {
  const run = eventsOf('execute-run.undisturbed');
  expect(run.length + eventsOf('work.undisturbed').length).toBeLessThanOrEqual(60);
  const told = run.filter(({ eventType }) => eventType.endsWith('UPSERT_WORKFLOW_SEARCH_ATTRIBUTES'));
  expect(told).toHaveLength(2);
});

test('there is a history of each way that scripts, agents and verification can make a run go', () => {
  const shapes = ['scripts', 'skipped-by-precondition', 'failed-in-before-script', 'after-script-failed'];
  const more = ['after-script-of-a-failed-run', 'cancelled-in-before-script', 'agent-never-reached', 'verified-after'];
  for (const shape of [...shapes, ...more]) expect(names).toContain(`execute-run.${shape}.json`);
});

test('there is a history of each way that a line in front of a lane can go', () => {
  for (const shape of ['replaced-by-a-full', 'cancelled-in-line', 'work-ended-without-a-word'])
    expect(names).toContain(`execute-run.${shape}.json`);
  const lane = (name: string): readonly string[] => eventsOf(`lane.${name}`).map(({ eventType }) => eventType.replace('EVENT_TYPE_', ''));
  expect(lane('replaced-cancelled-and-broken').filter((type) => type === 'EXTERNAL_WORKFLOW_EXECUTION_SIGNALED').length).toBeGreaterThanOrEqual(3);
  expect(lane('goes-on-in-a-new-history').at(-1)).toBe('WORKFLOW_EXECUTION_CONTINUED_AS_NEW');
  expect(lane('begun-with-a-line').filter((type) => type === 'START_CHILD_WORKFLOW_EXECUTION_INITIATED')).toHaveLength(1);
});
