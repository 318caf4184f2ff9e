import { bug } from '#core/errors/fail.ts';
import type { FilesByPath, NeededExtent, Span } from '#core/format/chain.ts';
import { filesOf, neededExtents } from '#core/format/chain.ts';
import type { FileOfSet, FrameOfSet } from '#core/format/meta.ts';
import { bytesOfParts } from '#agent/copy/carried-units.ts';
import type { CarriedFile, CarriedFrame, CarriedFrames, CarriedPart, Carrying } from '#agent/copy/carrying.ts';
import type { OpenSet } from '#agent/sets/open-set.ts';
import type { SetChain } from '#agent/sets/open-chain.ts';
import { extentBytes } from '#agent/wasm/page-memory.ts';

/** A frame stays packed as it is while at least this share of it is wanted: packing anew costs more than the rest is worth. */
const keptShare = 0.75;
/** Stored bytes that are fetched at once. */
const fetchBytes = 8 * 1_048_576;
/** Unwanted stored bytes that are fetched with their neighbours: another request would take longer. */
const widestGap = 256 * 1024;

/** What is wanted of the frames of one set, by index of the frame. */
type PartsByFrame = Map<number, CarriedPart[]>;

/**
 * Turns a chain, the newest set first, into one full: every byte of the newest set comes from the set that has it, what is in
 * none is zero. Metadata only; nothing is read.
 */
export function planMerge(chain: SetChain): Carrying & { readonly storedBytes: number } {
  const byPath = chain.map(({ meta }) => filesOf(meta));
  const wanted = chain.map((): PartsByFrame => new Map());
  const files: CarriedFile[] = [];
  for (const member of chain[0].meta.members) {
    if (member.kind !== 'file') continue;
    const number = files.length;
    files.push(carriedFile(member, collect(byPath, { member, number }, wanted)));
  }
  const tasks = chain.flatMap((set, depth) => tasksOf(set, wanted[depth] ?? new Map<number, CarriedPart[]>()));
  const storedBytes = tasks.flatMap(({ frames }) => frames).reduce((sum, { frame }) => sum + frame.storedBytes, 0);
  return { files, tasks, storedBytes };
}

interface Numbered {
  readonly member: FileOfSet;
  readonly number: number;
}

/** Notes what a file needs of each frame; the stretches of the file that are stored, in no order. */
function collect(
  byPath: readonly FilesByPath[],
  { member, number }: Numbered,
  wanted: readonly PartsByFrame[],
): Span[] {
  const stored: Span[] = [];
  for (const needed of neededExtents(byPath, member.path)) {
    const ofSet = wanted[needed.depth];
    const { frame } = needed.extent;
    for (const part of partsOf(needed, { path: member.path, file: number })) {
      const known = ofSet?.get(frame);
      if (known === undefined) ofSet?.set(frame, [part]);
      else known.push(part);
      stored.push(part);
    }
  }
  return stored;
}

/** The wanted bytes of an extent, each part at most what a writer stores as one. */
function partsOf(
  { extent, at, spans }: NeededExtent,
  of: { readonly path: string; readonly file: number },
): readonly CarriedPart[] {
  const { offset, length, hash } = extent;
  if (spans === undefined && length <= extentBytes) return [{ ...of, from: at, length, offset, hash }];
  const parts: CarriedPart[] = [];
  for (const span of spans ?? [{ from: 0, length }]) {
    for (let done = 0; done < span.length; done += extentBytes) {
      const cut = { from: at + span.from + done, length: Math.min(extentBytes, span.length - done) };
      parts.push({ ...of, ...cut, offset: offset + span.from + done, hash: '', of: { offset, length, hash } });
    }
  }
  return parts;
}

function carriedFile({ path, mode, mtimeMs, sizeBytes, origin }: FileOfSet, stored: Span[]): CarriedFile {
  const zeros: Span[] = [];
  let at = 0;
  for (const { from, length } of [...stored.sort((a, b) => a.from - b.from), { from: sizeBytes, length: 0 }]) {
    if (from > at) zeros.push({ from: at, length: from - at });
    at = from + length;
  }
  return { file: { path, mode, mtimeMs, sizeBytes, ...(origin === undefined ? {} : { origin }) }, zeros };
}

/** Work for threads: wanted frames of a piece that lie beside each other. */
function tasksOf({ meta, keys }: OpenSet, wanted: PartsByFrame): readonly CarriedFrames[] {
  const tasks: (CarriedFrames & { readonly frames: CarriedFrame[] })[] = [];
  const byPlace = [...wanted].map(([index, parts]) => ({ frame: frameAt(meta.frames, index), parts }));
  byPlace.sort((a, b) => a.frame.pieceIndex - b.frame.pieceIndex || a.frame.offset - b.frame.offset);
  for (const { frame, parts } of byPlace) {
    const piece = meta.pieces[frame.pieceIndex];
    if (piece === undefined) throw bug(`frame of piece ${String(frame.pieceIndex)}, which the set does not have`);
    const carried = { frame, parts, isKept: shouldKeep(frame, parts) };
    const last = tasks[tasks.length - 1];
    if (last?.piece === piece && isBeside(last, frame)) last.frames.push(carried);
    else tasks.push({ set: keys, piece, frames: [carried] });
  }
  return tasks;
}

function frameAt(frames: readonly FrameOfSet[], index: number): FrameOfSet {
  const frame = frames[index];
  if (frame === undefined) throw bug(`frame ${String(index)} does not exist`);
  return frame;
}

const shouldKeep = ({ rawBytes }: FrameOfSet, parts: readonly CarriedPart[]): boolean =>
  rawBytes <= extentBytes && bytesOfParts(parts) >= keptShare * rawBytes;

function isBeside({ frames }: CarriedFrames, { offset, storedBytes }: FrameOfSet): boolean {
  const [first] = frames;
  const last = frames[frames.length - 1];
  if (first === undefined || last === undefined) return false;
  const gap = offset - (last.frame.offset + last.frame.storedBytes);
  return gap <= widestGap && offset + storedBytes - first.frame.offset <= fetchBytes;
}
