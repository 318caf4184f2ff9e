import { defineConfig } from 'vitest/config';

const layers = ['core', 'wire', 'workflows', 'activities', 'agent', 'catalog', 'workers', 'api', 'bench', 'scripts'];
const unit = [
  ...layers.map((layer) => `${layer}/**/*.test.ts`),
  'tests/{support,boundaries}/**/*.test.ts',
  'docs/**/*.test.ts',
];
const minute = 60_000;

/** Project of tests: name, files, how many at once, how long one test may take. */
const project = (name: string, include: readonly string[], workers: number, testTimeout: number) => ({
  extends: true as const,
  test: {
    ...{ name, include: [...include], testTimeout, hookTimeout: 2 * minute, retry: 0, maxWorkers: workers },
    sequence: { groupOrder: workers === 1 ? 2 : 1 },
  },
});

export default defineConfig({
  test: {
    pool: 'forks',
    globalSetup: ['tests/support/global-setup.ts'],
    teardownTimeout: minute,
    reporters: ['default', './tests/support/plain-reporter.ts'],
    projects: [
      project('unit', unit, 2, minute),
      project('contracts', ['tests/{contracts,repositories,engines,histories}/**/*.test.ts'], 2, minute),
      project('promises', ['tests/promises/**/*.test.ts'], 1, 2 * minute),
      // Minutes each: by hand with `npm run test:deep`, never part of `npm test`.
      project('deep', ['tests/deep/**/*.test.ts'], 1, 5 * minute),
    ],
  },
});
