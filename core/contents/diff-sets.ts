import type { FilesByPath } from '../format/chain.ts';
import { neededExtents } from '../format/chain.ts';
import type { ChangedFile, ContentsView, SetDifference } from './contents.ts';

/** The files of a set and of those it builds on, the newest first (`core/format/chain.ts`). */
export type FilesOfChain = readonly FilesByPath[];

/** What changed in the files from one set to a later one of the same database. */
export function diffSets(
  earlier: FilesOfChain,
  later: FilesOfChain,
  { limit }: Extract<ContentsView, { of: 'diff' }>,
): SetDifference {
  const paths = new Set([...(earlier[0]?.keys() ?? []), ...(later[0]?.keys() ?? [])]);
  const files: ChangedFile[] = [];
  for (const path of paths) {
    const file = compare(path, earlier, later);
    if (file !== undefined) files.push(file);
  }
  files.sort((a, b) => b.changedBytes - a.changedBytes || (a.path < b.path ? -1 : 1));
  const count = (change: ChangedFile['change']): number => files.filter((file) => file.change === change).length;
  return {
    of: 'diff',
    unchanged: paths.size - files.length,
    added: count('added'),
    removed: count('removed'),
    changed: count('changed'),
    changedBytes: files.reduce((sum, { changedBytes }) => sum + changedBytes, 0),
    files: files.slice(0, limit),
    hasMore: files.length > limit,
  };
}

function compare(path: string, earlier: FilesOfChain, later: FilesOfChain): ChangedFile | undefined {
  const before = earlier[0]?.get(path);
  const after = later[0]?.get(path);
  const bytes = { earlierBytes: before?.sizeBytes ?? 0, laterBytes: after?.sizeBytes ?? 0 };
  if (after === undefined) return { path, change: 'removed', ...bytes, changedBytes: bytes.earlierBytes };
  if (before === undefined) return { path, change: 'added', ...bytes, changedBytes: bytes.laterBytes };
  const same = sameBytes(runsOf(earlier, path, bytes.earlierBytes), runsOf(later, path, bytes.laterBytes));
  const changedBytes = Math.max(bytes.earlierBytes, bytes.laterBytes) - same;
  return changedBytes === 0 ? undefined : { path, change: 'changed', ...bytes, changedBytes };
}

/** Bytes `[from, to)` of a file; equal names at one place mean equal bytes. */
interface Run {
  readonly from: number;
  readonly to: number;
  readonly name: string;
}

const zeros = 'zeros';

/** A file as runs from its start to its end, whichever set of the chain they lie in. */
function runsOf(chain: FilesOfChain, path: string, size: number): readonly Run[] {
  const stored = [...neededExtents(chain, path)].flatMap(({ extent, at, spans }) =>
    (spans ?? [{ from: 0, length: extent.length }]).map(({ from, length }): Run => ({
      from: at + from,
      to: at + from + length,
      name: `${extent.hash}@${String(at)}`,
    })),
  );
  const runs: Run[] = [];
  let end = 0;
  for (const run of stored.sort((a, b) => a.from - b.from)) {
    if (run.from > end) runs.push({ from: end, to: run.from, name: zeros });
    runs.push(run);
    end = run.to;
  }
  return end < size ? [...runs, { from: end, to: size, name: zeros }] : runs;
}

function sameBytes(a: readonly Run[], b: readonly Run[]): number {
  let same = 0;
  for (let i = 0, j = 0; ;) {
    const left = a[i];
    const right = b[j];
    if (left === undefined || right === undefined) return same;
    const from = Math.max(left.from, right.from);
    const to = Math.min(left.to, right.to);
    if (left.name === right.name && to > from) same += to - from;
    if (left.to <= right.to) i++;
    if (right.to <= left.to) j++;
  }
}
