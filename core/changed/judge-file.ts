import type { BlockReferences } from './block-references.ts';
import type { BlockRange, Changed, JudgedFile } from './changed-pages.ts';
import type { FileLayout, RelationPlace } from './relation-place.ts';
import { mainFork } from '../wal/block-sink.ts';
import { relationPlace } from './relation-place.ts';

/**
 * The place of a file of which pages can be compared with the base, for every source (engine.md §A rule 3); undefined when
 * it must be copied whole: no relation, no main fork (nobody tells reliably what changes in `_vm` and `_fsm`), not in the
 * base, or not made of whole pages.
 */
export function comparablePlace(file: JudgedFile, layout: FileLayout): RelationPlace | undefined {
  const { path, sizeBytes, baseBytes } = file;
  const isPaged = sizeBytes % layout.pageBytes === 0 && (baseBytes ?? 1) % layout.pageBytes === 0;
  const place = baseBytes === undefined || !isPaged ? undefined : relationPlace(path, layout);
  return place?.fork === 'main' ? place : undefined;
}

/**
 * What must be read of a file when log tells which blocks it changed (engine.md §A rules 3, 4, 5): the listed blocks, and
 * everything from the smallest length that the file had in between.
 */
export function changedByReferences(file: JudgedFile, layout: FileLayout, references: BlockReferences): Changed {
  const place = comparablePlace(file, layout);
  if (place === undefined || references.isWhole(place.tablespace, place.database)) return { kind: 'whole' };
  const { tablespace, database, number, firstBlock } = place;
  const changes = references.changesOf({ tablespace, database, number, fork: mainFork });
  const limit = changes?.limit ?? Infinity;
  if (limit <= firstBlock) return { kind: 'whole' };
  const blocks = file.sizeBytes / layout.pageBytes;
  const baseBlocks = (file.baseBytes ?? 0) / layout.pageBytes;
  const listed = changes?.blocks.ranges(firstBlock, firstBlock + Math.min(blocks, layout.pagesPerFile)) ?? [];
  const ranges = listed.map(({ from, to }) => ({ from: from - firstBlock, to: to - firstBlock }));
  return { kind: 'blocks', ranges: withTail(ranges, Math.min(limit - firstBlock, baseBlocks), blocks) };
}

/** Adds `[tail, blocks)` to ranges in order. */
function withTail(ranges: readonly BlockRange[], tail: number, blocks: number): readonly BlockRange[] {
  if (tail >= blocks) return ranges;
  const before = ranges.filter(({ from }) => from < tail);
  const last = before[before.length - 1];
  if (last === undefined || last.to < tail) return [...before, { from: tail, to: blocks }];
  return [...before.slice(0, -1), { from: last.from, to: blocks }];
}
