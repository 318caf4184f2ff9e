/** One breach: a file that must not be, and the rule that must say so. */
export interface PlantedImport {
  readonly rule: string;
  readonly file: string;
  readonly text: string;
}

const load = (what: string): string => `import * as seen from '${what}';\nexport const use = seen;\n`;

/** One planted breach of each rule of .dependency-cruiser.cjs. */
export const plantedImports: readonly PlantedImport[] = [
  { rule: 'core-is-pure', file: 'core/reads-files.ts', text: load('node:fs') },
  { rule: 'core-schemas-stay-in-settings', file: 'core/run/parses.ts', text: load('zod') },
  { rule: 'workflows-run-only-core', file: 'workflows/calls-activity.ts', text: load('../activities/clean.ts') },
  { rule: 'workflows-carry-no-schemas', file: 'workflows/parses.ts', text: load('../core/settings/clean.ts') },
  { rule: 'activities-see-only-ports', file: 'activities/opens-pool.ts', text: load('../agent/clean.ts') },
  { rule: 'agent-hosts-adapters', file: 'agent/reads-catalog.ts', text: load('../catalog/clean.ts') },
  { rule: 'wire-carries-both-ends', file: 'wire/knows-api.ts', text: load('../api/clean.ts') },
  { rule: 'one-door-to-processes', file: 'agent/pools/spawns.ts', text: load('node:child_process') },
  { rule: 'catalog-is-a-leaf', file: 'catalog/calls-api.ts', text: load('../api/clean.ts') },
  { rule: 'api-never-touches-the-host', file: 'api/opens-directory.ts', text: load('../agent/clean.ts') },
  { rule: 'ui-speaks-http', file: 'ui/reads-catalog.ts', text: load('../catalog/clean.ts') },
  { rule: 'workers-compose-the-control-plane', file: 'workers/uses-agent.ts', text: load('../agent/clean.ts') },
  { rule: 'product-stands-alone', file: 'workers/uses-script.ts', text: load('../scripts/clean.ts') },
  { rule: 'product-ships-its-packages', file: 'catalog/uses-dev-package.ts', text: load('vitest') },
  { rule: 'prepare-needs-only-node', file: 'scripts/prepare.mjs', text: load('zod') },
  { rule: 'bin-only-dispatches', file: 'bin/computes.mjs', text: load('../core/clean.ts') },
  { rule: 'bench-measures-the-product', file: 'bench/uses-tests.ts', text: load('../tests/clean.ts') },
  { rule: 'nothing-unresolved', file: 'api/is-lost.ts', text: load('../api/nowhere.ts') },
  { rule: 'no-cycles', file: 'core/one.ts', text: load('./other.ts') },
  { rule: 'no-orphans', file: 'core/alone.ts', text: 'export const alone = 1;\n' },
];

const use = (...what: string[]): string =>
  what.map((from, index) => `import * as seen${String(index)} from '${from}';\n`).join('') +
  `export const use = [${what.map((_, index) => `seen${String(index)}`).join(', ')}];\n`;

/** What each layer may do: none of these is reported. */
export const cleanFiles: Readonly<Record<string, string>> = {
  'core/clean.ts': 'export const clean = 1;\n',
  'core/settings/clean.ts': use('zod', '../clean.ts'),
  'core/other.ts': load('./one.ts'),
  'workflows/clean.ts': use('../core/clean.ts', '@temporalio/workflow'),
  'activities/clean.ts': use('../core/clean.ts', '@temporalio/activity'),
  'wire/clean.ts': use('../core/clean.ts', '@temporalio/common', 'node:crypto'),
  'agent/clean.ts': use('../activities/clean.ts', '../wire/clean.ts', 'node:fs', 'zod'),
  'agent/exec.ts': use('node:child_process'),
  'catalog/clean.ts': use('../core/clean.ts', 'node:fs'),
  'api/clean.ts': use('../catalog/clean.ts', '../wire/clean.ts', '../core/clean.ts'),
  'ui/clean.ts': use('../core/clean.ts'),
  'workers/clean.ts': use('../catalog/clean.ts', '../activities/clean.ts', '../wire/clean.ts'),
  'scripts/clean.ts': use('../api/clean.ts', 'node:child_process'),
  'bench/clean.ts': use('../agent/clean.ts'),
  'tests/clean.ts': use('../agent/clean.ts', '../api/clean.ts', 'vitest'),
};
