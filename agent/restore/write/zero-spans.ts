import type { Layout } from './lay-out.ts';
import { bytesOfPart } from './write-message.ts';
import type { FramePart, ZeroSpan } from './write-message.ts';

const partsOf = ({ pieces }: Layout): readonly FramePart[] =>
  pieces.flatMap(({ frames }) => frames.flatMap(({ parts }) => parts));

/** Bytes of each file that are stored somewhere. */
export function storedBytesOf(layout: Layout): ReadonlyMap<string, number> {
  const stored = new Map<string, number>();
  for (const part of partsOf(layout)) stored.set(part.path, (stored.get(part.path) ?? 0) + bytesOfPart(part));
  return stored;
}

/** What no part of a layout writes: it is zero. Where files begin empty it comes about by itself. */
export function zeroSpansOf(layout: Layout): readonly ZeroSpan[] {
  const stored = storedBytesOf(layout);
  const holed = new Map(
    layout.files
      .filter(({ path, sizeBytes }) => sizeBytes > (stored.get(path) ?? 0))
      .map((file) => [file.path, { sizeBytes: file.sizeBytes, covered: [] as { at: number; end: number }[] }]),
  );
  for (const { path, at, length, spans } of partsOf(layout)) {
    const file = holed.get(path);
    for (const one of file === undefined ? [] : (spans ?? [{ from: 0, length }]))
      file?.covered.push({ at: at + one.from, end: at + one.from + one.length });
  }
  return [...holed].flatMap(([path, { sizeBytes, covered }]) => gapsIn(path, sizeBytes, covered));
}

function gapsIn(path: string, sizeBytes: number, covered: { at: number; end: number }[]): readonly ZeroSpan[] {
  const gaps: ZeroSpan[] = [];
  let from = 0;
  for (const { at, end } of [...covered.sort((a, b) => a.at - b.at), { at: sizeBytes, end: sizeBytes }]) {
    if (at > from) gaps.push({ path, at: from, length: at - from });
    from = Math.max(from, end);
  }
  return gaps;
}
