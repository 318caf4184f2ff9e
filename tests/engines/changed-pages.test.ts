import { describe, expect, test } from 'vitest';
import type { ChangedPagesSource } from '#core/changed/changed-pages.ts';
import { askChanged, copyBase, overlay } from '#tests/support/changed-stage.ts';
import type { LogStage } from '#tests/support/log-stage.ts';
import { stageOn } from '#tests/support/log-stage.ts';
import { beginMixedLoad, goOnWithMixedLoad, quietSettings } from '#tests/support/mixed-load.ts';
import type { Major } from '#tests/support/postgres.ts';

/** The first page of an SP-GiST index is a cache that is not logged: any content of it is right (engine.md §A). */
const metapagesOf = async ({ server }: LogStage): Promise<(path: string, block: number) => boolean> => {
  const rows = await server.sql(
    "SELECT pg_relation_filepath(c.oid) AS path FROM pg_class c JOIN pg_am a ON a.oid = c.relam WHERE a.amname = 'spgist'",
  );
  const paths = new Set(rows.map((row) => String(row['path'])));
  return (path, block) => block === 0 && paths.has(path);
};

const majors: readonly Major[] =
  process.env['HOLDFAST_MATRIX'] === '1' ? [12, 13, 14, 15, 16, 17, 18] : [12, 15, 17, 18];

describe.each(majors)('on PostgreSQL %i', (major) => {
  test('D-038 the base and what each source lists are the files as they are, page by page', async () => {
    const stage = await stageOn(major, { config: [...quietSettings, ...(major >= 17 ? ['summarize_wal = on'] : [])] });
    await beginMixedLoad(stage.server);
    await stage.backUp();
    const base = await copyBase(stage, 'base');
    await goOnWithMixedLoad(stage.server);
    await stage.backUp();
    const sizes = stage.told.map(({ segments, references }) => ({
      log: segments.reduce((sum, { rawBytes }) => sum + rawBytes, 0),
      references: references?.storedBytes ?? Infinity,
    }));
    expect(sizes.filter(({ log, references }) => references > log / 100)).toEqual([]);
    // The tail of the log is in no batch yet.
    await stage.server.sql("UPDATE still SET v = 'late' WHERE id % 1000 = 0");
    const isExcused = await metapagesOf(stage);
    const best = major >= 17 ? 'wal-summary' : 'log';
    const wanted: readonly (ChangedPagesSource | undefined)[] = [undefined, 'log', 'page-lsn', 'content-hash'];
    for (const each of wanted) {
      await askChanged(stage, base, each === undefined ? {} : { wanted: each }, async (opened) => {
        expect([opened.pages.source, opened.warnings]).toEqual([each ?? best, []]);
        const { wrong, bytesRead, bytesTotal } = await overlay(stage, base, opened, isExcused);
        expect(wrong).toEqual([]);
        expect(bytesRead).toBeLessThan(bytesTotal / 4);
      });
    }
  });
});
