import { readFileSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Worker } from '@temporalio/worker';
import { expect, test } from 'vitest';
import { failureConverterPath } from '#wire/data-converter.ts';
import { installRuntime } from '#wire/runtime.ts';

installRuntime(() => undefined);
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
