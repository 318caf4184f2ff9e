import { bug } from '../errors/fail.ts';
import type { Extent, FileOfSet, SetMeta } from './meta.ts';
import { baseFrame, zeroFrame } from './meta.ts';

/** A run of bytes: offset and length. */
export interface Span {
  readonly from: number;
  readonly length: number;
}

export type FilesByPath = ReadonlyMap<string, FileOfSet>;

/** The files of a set by path. */
export function filesOf({ members }: Pick<SetMeta, 'members'>): FilesByPath {
  const files = new Map<string, FileOfSet>();
  for (const member of members) if (member.kind === 'file') files.set(member.path, member);
  return files;
}

/** An extent that is stored and of which a file needs something. */
export interface NeededExtent {
  /** Place of its set in the chain: 0 is the newest. */
  readonly depth: number;
  readonly extent: Extent;
  /** Offset of its first byte in the file. */
  readonly at: number;
  /** What of it is needed, counted from its first byte, rising; absent: all of it. */
  readonly spans?: readonly Span[];
}

interface Overlap {
  readonly extent: Extent;
  readonly at: number;
  readonly spans: readonly Span[];
}

const behindAll: Span = { from: Infinity, length: 0 };
const endOf = ({ from, length }: Span): number => from + length;

/** Extents that overlap rising spans of the file, with what of each is wanted. */
function* overlapsOf(file: FileOfSet, wanted: readonly Span[]): Generator<Overlap> {
  let at = 0;
  let first = 0;
  for (const extent of file.extents) {
    const end = at + extent.length;
    while (endOf(wanted[first] ?? behindAll) <= at) first++;
    const spans: Span[] = [];
    for (let i = first, span = wanted[i] ?? behindAll; span.from < end; span = wanted[++i] ?? behindAll) {
      const from = Math.max(span.from, at);
      const length = Math.min(endOf(span), end) - from;
      if (length > 0) spans.push({ from: from - at, length });
    }
    if (spans.length > 0) yield { extent, at, spans };
    at = end;
  }
}

const isWhole = ({ extent, spans }: Overlap): boolean => spans.length === 1 && spans[0]?.length === extent.length;

/** Adds spans of the extent at `at` behind the others, joined with the last one where they touch. */
function addTo(wanted: Span[], at: number, spans: readonly Span[]): void {
  for (const span of spans) {
    const from = at + span.from;
    const last = wanted[wanted.length - 1];
    const isJoined = last !== undefined && endOf(last) === from;
    if (isJoined) wanted.splice(-1, 1, { from: last.from, length: last.length + span.length });
    else wanted.push({ from, length: span.length });
  }
}

/**
 * What of which sets a file of the newest set consists of; zeros are left out. Every byte comes from exactly one set, the
 * newest that has it. `chain` begins with the newest set and ends with its full, each link proven by `baseGap`.
 */
export function* neededExtents([newest, ...bases]: readonly FilesByPath[], path: string): Generator<NeededExtent> {
  const file = newest?.get(path);
  if (file !== undefined) yield* extentsOfFile(file, bases);
}

/** The same of a file of the newest set, with the files of the sets below it. */
export function* extentsOfFile(newest: FileOfSet, bases: readonly FilesByPath[]): Generator<NeededExtent> {
  const { path } = newest;
  let wanted: readonly Span[] = [{ from: 0, length: newest.sizeBytes }];
  for (let depth = 0; wanted.length > 0; depth++) {
    const file = depth === 0 ? newest : bases[depth - 1]?.get(path);
    if (file === undefined) throw bug(`a chain was not proven: ${path} is not in set ${String(depth)} of it`);
    const below: Span[] = [];
    for (const overlap of overlapsOf(file, wanted)) {
      const { extent, at, spans } = overlap;
      if (extent.frame === baseFrame) addTo(below, at, spans);
      else if (extent.frame !== zeroFrame) yield { depth, extent, at, ...(isWhole(overlap) ? {} : { spans }) };
    }
    wanted = below;
  }
}

/** What of a file of the newest set comes from below the last set of a chain that ends too early: rising spans. */
export function spansBelow(chain: readonly FilesByPath[], path: string): readonly Span[] {
  let wanted: readonly Span[] = [{ from: 0, length: chain[0]?.get(path)?.sizeBytes ?? 0 }];
  for (const files of chain) {
    const file = files.get(path);
    const below: Span[] = [];
    const overlaps = file === undefined ? [] : overlapsOf(file, wanted);
    for (const { extent, at, spans } of overlaps) if (extent.frame === baseFrame) addTo(below, at, spans);
    wanted = below;
  }
  return wanted;
}

/** In words the first extent that a set takes from its base but the base does not have; undefined when all are there. */
export function baseGap(set: Pick<SetMeta, 'members'>, base: FilesByPath): string | undefined {
  for (const member of set.members) {
    if (member.kind !== 'file') continue;
    const baseBytes = base.get(member.path)?.sizeBytes ?? 0;
    let at = 0;
    for (const { frame, length } of member.extents) {
      at += length;
      if (frame === baseFrame && at > baseBytes)
        return `it has ${String(baseBytes)} bytes of ${member.path} where ${String(at)} are needed`;
    }
  }
  return undefined;
}
