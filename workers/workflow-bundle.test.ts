import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const bundle = readFileSync(fileURLToPath(new URL('../dist/workflow-bundle.js', import.meta.url)), 'utf8');

test('the workflow bundle is at most 2 MB and carries no schema library and no settings', () => {
  expect(bundle.length).toBeLessThanOrEqual(2 * 1024 * 1024);
  expect(bundle).not.toContain('node_modules/zod');
  expect(bundle).not.toContain('ZodType');
  expect(bundle).not.toContain('core/settings');
});

test('the bundle has every workflow of the contract by its durable name', () => {
  for (const name of ['executeRun', 'fireJob', 'inspect', 'lane', 'work'])
    expect(bundle).toMatch(new RegExp(`\\b${name}\\b`));
});
