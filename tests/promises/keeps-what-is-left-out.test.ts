import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { fail } from '#core/errors/fail.ts';
import { wholeDatabase } from '#core/logical/selection.ts';
import type { TransferReport } from '#core/transfer/report.ts';
import { platformMajor } from '#tests/support/platform-instance.ts';
import type { TransferStage } from '#tests/support/transfer-stage.ts';
import { openTransferStage } from '#tests/support/transfer-stage.ts';

const furnish: readonly string[] = [
  'create schema shop',
  'create schema archive',
  'create table shop.events (at date not null, what text) partition by range (at)',
  `create table shop.events_2025 partition of shop.events for values from ('2025-01-01') to ('2026-01-01')`,
  `create table shop.events_2024 partition of shop.events for values from ('2024-01-01') to ('2025-01-01')`,
  `insert into shop.events select date '2024-06-01' + g, 'event ' || g from generate_series(1, 400) g`,
  'create table shop.lines (n int) partition by list (n)',
  'create table shop.lines_1 partition of shop.lines for values in (1)',
  'create table archive.lines_2 partition of shop.lines for values in (2)',
  'insert into shop.lines select 1 + g % 2 from generate_series(1, 10) g',
  'create table shop.animals (name text)',
  'create table shop.cats () inherits (shop.animals)',
  `insert into shop.cats select 'cat ' || g from generate_series(1, 5) g`,
  'create table shop.owners (id int primary key)',
  'insert into shop.owners select generate_series(1, 9)',
  'create table shop.pets (id int, owner int references shop.owners on delete cascade)',
  'create table shop.visits (owner int references shop.owners) partition by list (owner)',
  'create table shop.visits_1 partition of shop.visits default',
  'create table archive.notes (owner int references shop.owners)',
  ...['pets (owner)', 'visits'].map((one) => `insert into shop.${one} select generate_series(1, 9)`),
  'create unlogged table shop.seen as select g as n from generate_series(1, 7) g',
];

describe(`what is not in what is restored, in PostgreSQL ${String(platformMajor)}`, () => {
  let stage: TransferStage;

  beforeAll(async () => {
    stage = await openTransferStage(platformMajor);
    await stage.sql('postgres', 'create database app');
    await stage.sql('app', ...furnish);
  });
  afterAll(() => stage.close());

  const count = async (table: string): Promise<unknown> =>
    (await stage.sql('app', `select count(*)::int as n from ${table}`))[0]?.['n'];
  const codes = ({ warnings }: TransferReport): readonly string[] => warnings.map(({ code }) => code);
  const ofHoldfast = async (): Promise<unknown> =>
    stage.sql('app', `select nspname::text as name from pg_namespace where nspname like 'holdfast%'`);
  const table = (name: string, as = name) => ({ tables: [{ database: 'app', schema: 'shop', table: name, as }] });
  const schema = (name: string, as = name) => ({ schemas: [{ database: 'app', schema: name, as }] });

  test('K-101 K-108 a partition that a set leaves out is never lost: its table and its schema are not replaced by that set', async () => {
    const cases = [
      ['events', 'shop.events_2025', { excludeTables: [{ schema: 'shop', table: 'events_2025' }] }],
      ['lines', 'archive.lines_2', { excludeSchemas: ['archive'] }],
    ] as const;
    for (const [root, partitions, left] of cases) {
      const set = await stage.logicalSet({ ...wholeDatabase('app'), ...left });
      await expect(
        stage.restoreLogical(stage.logicalOrder(set, { ...table(root), dropsOld: true })),
      ).rejects.toMatchObject({ code: 'transfer_part_over_table', params: { table: `shop.${root}`, partitions } });
      await expect(
        stage.restoreLogical(stage.logicalOrder(set, { ...schema('shop'), dropsOld: true })),
      ).rejects.toMatchObject({ code: 'transfer_part_over_schema' });
      const report = await stage.restoreLogical(stage.logicalOrder(set, table(root, `${root}_then`)));
      expect(report.warnings).toEqual([
        { code: 'partition_left_out', detail: expect.stringContaining(partitions) as string },
      ]);
      await stage.sql('app', `drop table shop.${root}_then`);
    }
    expect([await count('shop.events'), await count('shop.lines')]).toEqual([400, 10]);
    expect(await ofHoldfast()).toEqual([]);
  });

  test('K-101 K-108 a partition that came after the set stays kept with the replaced table, whatever was asked', async () => {
    const set = await stage.logicalSet('app');
    await stage.sql(
      'app',
      `create table shop.events_2026 partition of shop.events for values from ('2026-01-01') to ('2027-01-01')`,
      `insert into shop.events values ('2026-02-02', 'after')`,
    );
    const order = stage.logicalOrder(set, { ...table('events'), dropsOld: true });
    const report = await stage.restoreLogical(order);
    expect(report.warnings).toContainEqual({
      code: 'old_not_dropped',
      detail: expect.stringContaining('events_2026') as string,
    });
    expect(await count('shop.events')).toBe(400);
    await stage.settle('undo', order, report.placed);
    expect(await count('shop.events')).toBe(401);
    await stage.settle('discard', order, report.placed);
    await stage.sql('app', 'drop table shop.events_2026');
    expect(await ofHoldfast()).toEqual([]);
    const plain = stage.logicalOrder(set, { ...table('events'), dropsOld: true });
    expect((await stage.restoreLogical(plain)).warnings).toEqual([]);
    expect(await ofHoldfast()).toEqual([]);
  });

  test('K-101 K-108 what inherits from a live table gives it no row while it is copied, nor afterwards', async () => {
    const set = await stage.logicalSet('app');
    const seen = new Set<unknown>();
    const report = await stage.restoreLogical(
      stage.logicalOrder(set, table('cats', 'cats_then')),
      {},
      ({ isSwapped }) => void seen.add(isSwapped),
    );
    expect(seen.size).toBe(2);
    expect(codes(report)).toEqual(['inheritance_cut']);
    expect(await count('shop.animals')).toBe(5);
    expect(await count('shop.cats_then')).toBe(5);
    await stage.sql('app', 'drop table shop.cats_then');
    await expect(
      stage.restoreLogical(stage.logicalOrder(set, { ...table('cats'), dropsOld: true })),
    ).rejects.toMatchObject({ code: 'transfer_table_depends', params: { dependents: 'parent table shop.animals' } });
  });

  test('K-108 what was cut from its parents is told of by the attempt that ends, though an earlier one cut it', async () => {
    await stage.backUp();
    const order = stage.order(table('cats', 'cats_recovered'));
    const lost = stage.recover(order, {}, ({ isSwapped }) => {
      if (!isSwapped) throw fail('api_unavailable', { url: 'u', request: 'r', cause: 'away' });
    });
    await expect(lost).rejects.toMatchObject({ code: 'api_unavailable' });
    const report = await stage.recover(order);
    expect(codes(report)).toEqual(['inheritance_cut']);
    expect(report.warnings[0]?.detail).toContain('shop.cats of shop.animals');
    await stage.sql('app', 'drop table shop.cats_recovered');
  });

  test('K-101 K-108 nothing is restored without partitions that lie in another schema, and a partition without its table stands alone', async () => {
    const set = await stage.logicalSet('app');
    await expect(stage.restoreLogical(stage.logicalOrder(set, schema('shop', 'shop_then')))).rejects.toMatchObject({
      code: 'transfer_partitions_apart',
      params: { partitions: 'archive.lines_2 of shop.lines' },
    });
    await expect(stage.restoreLogical(stage.logicalOrder(set, table('lines')))).rejects.toMatchObject({
      code: 'transfer_choice_bad',
      params: { why: expect.stringContaining('archive.lines_2') as string },
    });
    // Where the live parent has room for it, the copy would join it.
    await stage.sql('app', 'alter table shop.lines detach partition archive.lines_2');
    const report = await stage.restoreLogical(stage.logicalOrder(set, schema('archive', 'archive_then')));
    expect(codes(report)).toEqual(['inheritance_cut']);
    expect([await count('archive_then.lines_2'), await count('shop.lines')]).toEqual([5, 5]);
    await stage.sql('app', 'drop schema archive_then cascade');
  });

  test('K-101 K-108 live tables that a copy refers to stay free until the swap, and its keys are checked before it', async () => {
    const set = await stage.logicalSet('app');
    const keys = `select conrelid::regclass::text || ' ' || pg_get_constraintdef(oid) || convalidated as key from pg_constraint
      where contype = 'f' and confrelid = 'shop.owners'::regclass and connamespace <> 'archive_then'::regnamespace order by 1`;
    await stage.restoreLogical(stage.logicalOrder(set, schema('archive', 'archive_then')));
    const before = await stage.sql('app', keys);
    expect(before).toHaveLength(4);
    await stage.sql('app', 'truncate shop.pets, shop.visits');

    const holder = await stage.postgres.connect('app');
    const held = { phases: [] as string[], begun: undefined as Promise<unknown> | undefined, isLocked: false };
    const lock = async (): Promise<void> => {
      await holder.query('begin');
      await holder.query('lock table shop.owners in access exclusive mode');
      await holder.query('delete from shop.owners where id = 3');
      held.isLocked = true;
    };
    const both = [...table('pets').tables, ...table('visits').tables];
    await stage.restoreLogical(
      stage.logicalOrder(set, { tables: both, dropsOld: true }),
      {
        report: ({ phase }) => {
          if (held.phases.at(-1) !== phase) held.phases.push(phase);
          // The first time the temporary database is filled, the second time the live one.
          if (held.phases.filter((one) => one === 'transfer').length === 2) held.begun ??= lock();
        },
        limits: () => ({ isPaused: held.begun !== undefined && !held.isLocked }),
      },
      ({ isSwapped }) => {
        if (!isSwapped) held.begun = holder.query('rollback');
      },
    );
    expect(held.isLocked).toBe(true);
    await held.begun;
    await holder.end();
    expect(await stage.sql('app', keys)).toEqual(before);
    expect([await count('shop.pets'), await count('shop.visits')]).toEqual([9, 9]);

    await stage.sql('app', 'truncate shop.visits', 'delete from shop.owners where id = 3');
    await expect(stage.restoreLogical(stage.logicalOrder(set, table('pets')))).rejects.toMatchObject({
      code: 'transfer_swap_refused',
      params: { reason: expect.stringContaining('pets_owner_fkey') as string },
    });
    expect([await count('shop.pets'), await ofHoldfast()]).toEqual([8, []]);
    await stage.sql('app', 'drop schema archive_then cascade');
  });

  test('K-108 an unlogged table, of which no physical set has rows, is kept when it was replaced', async () => {
    await stage.backUp();
    const report = await stage.recover(stage.order({ ...table('seen'), dropsOld: true }));
    expect([...codes(report)].sort()).toEqual(['old_not_dropped', 'unlogged_empty']);
    const [{ keptIn } = { keptIn: '' }] = report.placed.filter((one) => one.kind === 'table');
    expect(await count(`${keptIn ?? ''}.seen`)).toBe(7);
    expect(await count('shop.seen')).toBe(0);
  });
});
