import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';
import { storiesOnBoth, storiesOnKingbase } from './tests/support/story-projects.ts';

const layers = ['wire', 'workflows', 'activities', 'agent', 'catalog', 'workers', 'api', 'bench', 'scripts'];
const unit = [
  ...layers.map((layer) => `${layer}/**/*.test.ts`),
  'tests/{support,boundaries}/**/*.test.ts',
  'docs/**/*.test.ts',
];
const minute = 60_000;
/** One more than processors: files wait for servers and disks a quarter of their time. */
const usualWorkers = Math.min(availableParallelism() + 1, 8);
/** Minutes of kills, outages and damage on whole stacks: `npm run test:chaos`, not part of `npm test`. */
const chaos = ['survives-*', 'resumes-*', 'refuses-pools*', 'detects-*'].map(
  (name) => `tests/promises/${name}.test.ts`,
);

/** Whole stories that would make `npm test` longer than ten minutes: `npm run test:long`, which CI runs beside it. */
const long = [
  'carries-odd-names',
  'copies-pools',
  'deploys',
  'dies-anywhere',
  'drills',
  'drills-in-place',
  'gives-places-back',
  'guides',
  'incrementals',
  'keeps-what-is-left-out',
  'keeps-what-is-needed',
  'kingbase-operations',
  'logical-sets',
  'mends-lanes',
  'network-lost',
  'plans',
  'refuses-targets',
  'recovers-databases',
  'recovers-odd-databases',
  'recovers-one-database',
  'restores-logical-sets',
  'restores-standbys',
  'restores-what-differs',
  'runs-a-job',
  'runs-scripts',
  'scrubs',
  'settles-swaps',
  'streams-log',
  'verifies-after',
  'tells-outcomes',
  'tells-traces',
  'tells-what-is-lacking',
].map((name) => `tests/promises/${name}.test.ts`);
const longEngines = [
  ...['all-visible', 'begin-behind-base', 'changed-pages-traps', 'channels', 'drill'],
  ...['drill-target', 'incremental-chains'],
  ...[
    'log-of-another',
    'log-stream-archive',
    'log-stream-failover',
    'log-stream-left',
    'names-there',
    'put-back-base',
    'logical-to-cluster',
    'restore-log-again',
    'standby-ends',
    'views-in-place',
    'without-log',
  ],
].map((name) => `tests/engines/${name}.test.ts`);

const filesOf = (stories: readonly string[]): string[] => stories.map((name) => `tests/promises/${name}.test.ts`);

/** Project of tests: name, files, how many at once, its turn. Projects of one turn run together. */
const project = (
  name: string,
  include: readonly string[],
  { workers = usualWorkers, order = 1, except = [] as string[], minutes = 2, env = {}, isolate = true } = {},
) => ({
  extends: true as const,
  test: {
    ...{
      name,
      include: [...include],
      exclude: except,
      testTimeout: minutes * minute,
      hookTimeout: 3 * minute,
      retry: 0,
      env,
      isolate,
    },
    maxWorkers: workers,
    sequence: { groupOrder: order },
  },
});

export default defineConfig({
  test: {
    pool: 'forks',
    globalSetup: ['tests/support/global-setup.ts'],
    teardownTimeout: minute,
    reporters: ['default', './tests/support/plain-reporter.ts'],
    projects: [
      // Why these are not isolated: their modules keep nothing that another file minds, and a process and all modules anew for each
      // file took a fifth of their time.
      project('core', ['core/**/*.test.ts'], { isolate: false }),
      project('unit', unit, { isolate: false }),
      project('contracts', ['tests/{contracts,repositories,engines,histories}/**/*.test.ts'], {
        except: longEngines,
        isolate: false,
      }),
      project('promises', ['tests/promises/**/*.test.ts'], { order: 2, except: [...chaos, ...long], isolate: false }),
      project('long', [...long, ...longEngines], { order: 3, minutes: 4, isolate: false }),
      project('long-15', filesOf(storiesOnBoth), { order: 3, minutes: 4, env: { HOLDFAST_TEST_PG: '15' } }),
      project('long-kingbase', filesOf(storiesOnKingbase), {
        order: 3,
        minutes: 4,
        env: { HOLDFAST_TEST_PG: 'kingbase' },
      }),
      // Longer than a run may take, so that a run which is not over is told of as such.
      project('chaos', chaos, { workers: 1, order: 3, minutes: 4 }),
      // Minutes each: by hand with `npm run test:deep`, never part of `npm test`.
      project('deep', ['tests/deep/**/*.test.ts'], { workers: 1, order: 4 }),
      // Every engine on every kind of pool: by hand with `npm run test:matrix`, which writes docs/evidence/matrix.json.
      project('matrix', ['tests/matrix/**/*.test.ts'], { order: 5 }),
    ],
  },
});
