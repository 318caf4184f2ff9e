import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { InstanceAccess } from '#core/agent/order.ts';
import { lookAtTree } from '#agent/logical/look-at-tree.ts';
import type { BackupBench } from '#tests/support/backup.ts';
import { openBackupBench } from '#tests/support/backup.ts';
import type { Kingbase } from '#tests/support/kingbase.ts';
import { canShimKingbase, openKingbase } from '#tests/support/kingbase.ts';
import type { LogicalBench } from '#tests/support/logical.ts';
import { bytesOfStream, openLogicalBench, streamOfTable } from '#tests/support/logical.ts';

let kingbase: Kingbase;
let bench: BackupBench;
let logical: LogicalBench;
let instance: InstanceAccess;

/** Says what it was asked, and whether the password reached it the way KingbaseES programs take it. */
const tool = `#!/bin/sh
if [ "$1" = --version ]; then echo 'sys_dump (KingbaseES) V008R006C008B0020'; exit 0; fi
printf '%s\\n' "$@"
[ "$KINGBASE_PASSWORD" = holdfast-test ] && echo 'password in the environment'
exit 0
`;

beforeAll(async () => {
  if (!canShimKingbase) return;
  kingbase = await openKingbase({ mode: 'oracle' });
  bench = await openBackupBench();
  const programs = join(bench.folder, 'Server', 'bin');
  mkdirSync(programs, { recursive: true });
  writeFileSync(join(programs, 'sys_dump'), tool);
  chmodSync(join(programs, 'sys_dump'), 0o755);
  logical = await openLogicalBench(bench, [programs]);
  instance = await kingbase.instance();
  await kingbase.sql('create table orders (id serial primary key, note text)');
  await kingbase.sql(`insert into orders (note) select 'order ' || g from generate_series(1, 500) g`);
});
afterAll(async () => {
  if (!canShimKingbase) return;
  bench.close();
  await kingbase.close();
});

test.runIf(canShimKingbase)(
  'K-050 K-013 a KingbaseES is backed up by its own tool and under its own names',
  async () => {
    const set = await logical.take(logical.order(instance));
    expect(set).toMatchObject({ engine: 'kingbase-v8r6', dumpTool: { name: 'sys_dump', major: 12 }, rowCount: 500 });
    expect(set.databases.map(({ name }) => name)).toEqual(['security', 'test']);
    await logical.read(set, async (reader) => {
      const rows = (await bytesOfStream(reader, streamOfTable(reader, 'test', 'public.orders'))).toString();
      expect(rows.split('\n').slice(0, 2)).toEqual(['1\torder 1', '2\torder 2']);
      const pre = reader.meta.streams.find(
        ({ database, content }) => database === 'test' && content.kind === 'pre-data',
      );
      const said = pre === undefined ? '' : (await bytesOfStream(reader, pre)).toString();
      expect(said).toMatch(/--section=pre-data[^]*password in the environment/);
      expect(said).not.toContain('holdfast-test');
    });
    const tree = await lookAtTree({
      ...{ kind: 'content-tree', instance },
      view: { of: 'tables', database: 'test', schema: 'public', after: '', limit: 5 },
    });
    expect(tree.nodes).toMatchObject([{ name: 'orders', kind: 'table' }]);
  },
);
