import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';

/** Results of the last complete test run, by file: written by `npm run generate -- evidence`, committed. */
const evidenceShape = z.record(z.string(), z.object({ passed: z.number(), failed: z.number(), skipped: z.number() }));
type Evidence = z.output<typeof evidenceShape>;

const resultsShape = z.array(z.object({ file: z.string(), state: z.enum(['passed', 'failed', 'skipped', 'pending']) }));

interface Capability {
  readonly what: string;
  /** Where it ran when it passed. */
  readonly on: string;
  /** Test files or folders; none means that nothing shows it. */
  readonly tests: readonly string[];
  /** The product itself cannot be had: another engine stood in under its names. Such tests count here and nowhere else. */
  readonly isShimmed?: boolean;
}

const capabilities: readonly Capability[] = [
  {
    what: 'Full backup under load: tablespaces, exclusions, page checksums, resume',
    on: 'PostgreSQL 15 and 18; one recovery each on 12, 13, 14, 16, 17',
    tests: [
      ...['tests/engines/full-backup', 'tests/engines/needed-log', 'tests/engines/control-file'],
      ...['tests/engines/set-contents', 'agent/copy/', 'agent/backup/'],
    ],
  },
  {
    what: 'Log backup: record chain, gaps, duplicates, retention of archived files',
    on: 'PostgreSQL 12, 15, 18',
    tests: ['agent/wal/', 'core/wal/', 'core/log/'],
  },
  {
    what: 'Streamed log; sets of closed instances and of standbys',
    on: 'PostgreSQL 15, the whole product; in the matrix 12 and 18',
    tests: [
      ...['tests/engines/log-stream', 'tests/promises/streams-log', 'tests/engines/offline', 'tests/engines/standby'],
      ...['agent/stream/', 'api/starts/sources'],
    ],
  },
  {
    what: 'Recovery to time, LSN, xid, name, backup state, latest; copies',
    on: 'PostgreSQL 12, 15, 18',
    tests: ['tests/promises/restores-to-a-point', 'tests/promises/restores-a-set.test.ts', 'core/restore/'],
  },
  { what: 'Recovery in place', on: 'PostgreSQL', tests: ['tests/promises/restores-in-place'] },
  {
    what: 'Manifest for pg_verifybackup, delta restore, standbys, damaged sets, extracts',
    on: 'PostgreSQL 15, manifests on 18 too',
    tests: [
      ...['tests/engines/backup-manifest', 'tests/deep/backup-manifest', 'tests/promises/restores-what-differs'],
      ...['tests/promises/restores-standbys', 'tests/promises/restores-damaged-sets', 'tests/engines/extract'],
    ],
  },
  { what: 'Refusals before anything is touched', on: 'the whole product', tests: ['tests/promises/refuses-'] },
  {
    what: 'Damage is detected',
    on: 'golden sets, the whole product',
    tests: [
      ...['tests/repositories/', 'tests/promises/detects-', 'tests/promises/scrubs', 'tests/contracts/scrub'],
      ...['tests/contracts/bit-flips', 'tests/contracts/faults', 'tests/engines/verify-levels'],
    ],
  },
  {
    what: 'kill -9 of any process',
    on: 'the whole product',
    tests: ['tests/promises/survives-', 'tests/promises/agent-restarts'],
  },
  { what: 'Local and S3 pools, encryption', on: 'local disk, MinIO', tests: ['tests/contracts/', 'agent/codec/'] },
  {
    what: 'Copies of sets and log from pool to pool',
    on: 'local disk, the whole product',
    tests: ['tests/contracts/pool-copy', 'tests/promises/copies-', 'core/care/plan-copy'],
  },
  { what: 'Rotation of pool keys, recovery kit', on: 'local disk', tests: ['tests/contracts/pool-keys'] },
  {
    what: 'Workflows: lanes, cancel, lost results, replayed histories',
    on: 'Temporal',
    tests: ['tests/promises/runs.test.ts', 'tests/histories/'],
  },
  {
    what: 'API, catalog, command line',
    on: 'PostgreSQL 15 catalog',
    tests: ['api/', 'catalog/', 'tests/promises/operates-'],
  },
  {
    what: 'Incremental backup: chains, changed pages, restore over chains',
    on: 'PostgreSQL 15 and 18; the reading of log on 12 to 18',
    tests: [
      ...[
        'tests/engines/incremental',
        'tests/engines/changed-pages',
        'tests/engines/block-references',
        'core/changed/',
      ],
      ...[
        'tests/promises/incrementals',
        'tests/repositories/merge',
        'tests/matrix/',
        'tests/promises/survives-kills-in-incremental',
        'api/incrementals',
        'core/contents/',
      ],
    ],
  },
  {
    what: 'Retention by plan, marks, leases, collection of orphans',
    on: 'local disk, MinIO, the whole product',
    tests: ['core/care/', 'agent/care/', 'tests/contracts/care-', 'tests/promises/keeps-what-is-needed'],
  },
  {
    what: 'Limits, time windows, pause, lost networks and pools',
    on: 'the whole product',
    tests: [
      'core/run/',
      'agent/copy/pace',
      'tests/promises/limits',
      'tests/promises/network-lost',
      'tests/promises/survives-network',
    ],
  },
  {
    what: 'Jobs and their seven plans, as Temporal schedules',
    on: 'Temporal, the whole product',
    tests: ['core/plan/', 'api/schedules/', 'api/jobs/', 'tests/contracts/schedules', 'tests/promises/plans'],
  },
  {
    what: 'Scripts around a run, verification after it',
    on: 'the whole product',
    tests: ['core/hooks/', 'agent/hooks/', 'tests/promises/runs-scripts', 'tests/promises/verifies-after'],
  },
  {
    what: 'Events, webhooks, mail, metrics, targets of RPO and RTO',
    on: 'real HTTP and SMTP receivers, the whole product',
    tests: ['api/notices/', 'core/notice/', 'tests/promises/tells-outcomes'],
  },
  {
    what: 'Logical backup and restore of databases, schemas, tables',
    on: 'PostgreSQL 15 and 18',
    tests: [
      ...['core/logical/', 'agent/logical/', 'tests/engines/logical-backup', 'tests/engines/logical-faults'],
      ...['tests/promises/logical-sets', 'tests/promises/restores-logical-sets', 'catalog/logical-sets'],
    ],
  },
  {
    what: 'One database, schema or table to a point in time',
    on: 'PostgreSQL 15 and 18, the whole product',
    tests: ['core/transfer/', 'agent/transfer/', 'tests/engines/scratch', 'tests/promises/recovers-'],
  },
  {
    what: 'Log restore; drills with signed reports, on another host too',
    on: 'PostgreSQL 15 and 18, the whole product, two agents',
    tests: [
      ...['core/drill/', 'tests/engines/drill', 'tests/promises/drills', 'tests/engines/restore-log'],
      'catalog/drills/',
    ],
  },
  { what: 'Console', on: '-', tests: [] },
  {
    what: 'KingbaseES V8R6 and V9: full, incrementals, log, restore, jobs, scripts, logical, one database',
    on: 'PostgreSQL 12 under the names of KingbaseES; never the product itself',
    tests: [
      'tests/engines/kingbase',
      'tests/engines/logical-kingbase',
      'tests/promises/kingbase',
      'tests/deep/kingbase',
    ],
    isShimmed: true,
  },
  {
    what: 'KingbaseES V8R3: the shape of its recovery.conf; refused at login',
    on: 'PostgreSQL 11; never the product itself',
    tests: ['tests/engines/recovery-conf'],
    isShimmed: true,
  },
  { what: 'Dameng DM8', on: '-', tests: [] },
  {
    what: 'Container deployment (docker-compose.yml): commands, environment and health checks',
    on: 'processes and real servers; the images were never built',
    tests: ['tests/contracts/compose', 'tests/promises/deploys'],
    isShimmed: true,
  },
];

const begin = '<!-- state:begin -->';
const end = '<!-- state:end -->';

const isOf = (file: string, { tests }: Capability): boolean => tests.some((prefix) => file.startsWith(prefix));
const isShimmedFile = (file: string): boolean => capabilities.some((one) => one.isShimmed === true && isOf(file, one));

function labelOf(capability: Capability, evidence: Evidence): string {
  const { isShimmed = false } = capability;
  const files = Object.entries(evidence).filter(
    ([file]) => isOf(file, capability) && isShimmedFile(file) === isShimmed,
  );
  const sum = (key: 'passed' | 'failed' | 'skipped'): number =>
    files.reduce((total, [, counts]) => total + counts[key], 0);
  if (files.length === 0) return 'not tested';
  if (sum('failed') > 0) return `**failing** (${String(sum('failed'))} of ${String(sum('passed') + sum('failed'))})`;
  const skipped = sum('skipped') > 0 ? `, ${String(sum('skipped'))} skipped` : '';
  return `${isShimmed ? 'shimmed' : 'real-engine'}, ${String(sum('passed'))} tests${skipped}`;
}

/** Counts by file: those of the last run, and for files that it did not run those that were known; gone files go. */
export function evidenceOf(resultsJson: string, knownJson: string, isThere: (file: string) => boolean): string {
  const evidence: Record<string, { passed: number; failed: number; skipped: number }> = {};
  for (const { file, state } of resultsShape.parse(JSON.parse(resultsJson))) {
    const counts = (evidence[file] ??= { passed: 0, failed: 0, skipped: 0 });
    counts[state === 'pending' ? 'skipped' : state]++;
  }
  const all = Object.entries({ ...evidenceShape.parse(JSON.parse(knownJson)), ...evidence });
  const present = all.filter(([file]) => isThere(file));
  const sorted = Object.fromEntries(present.sort(([a], [b]) => (a < b ? -1 : 1)));
  return `${JSON.stringify(sorted, undefined, 2)}\n`;
}

export const evidencePath = (root: string): string => join(root, 'docs', 'evidence', 'tests.json');

/** README with its state table made from the evidence: nobody writes these labels by hand. */
export function readmeWithState(root: string, readme: string): string {
  const evidence = evidenceShape.parse(JSON.parse(readFileSync(evidencePath(root), 'utf8')));
  const rows = capabilities.map((one) => `| ${one.what} | ${one.on} | ${labelOf(one, evidence)} |`);
  const table = ['| what | ran on | state |', '|---|---|---|', ...rows].join('\n');
  const from = readme.indexOf(begin) + begin.length;
  // Why: prettier would align the columns, and the next count would move them all.
  const kept = `<!-- prettier-ignore-start -->\n${table}\n<!-- prettier-ignore-end -->`;
  return `${readme.slice(0, from)}\n${kept}\n${readme.slice(readme.indexOf(end))}`;
}
