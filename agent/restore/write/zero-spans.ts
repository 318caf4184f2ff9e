import type { Layout, WantedPart } from './lay-out.ts';
import type { ZeroSpan } from './write-message.ts';

function* partsOf({ shares }: Layout): Generator<WantedPart> {
  for (const { frames } of shares) for (const { parts } of frames) yield* parts;
}

/** What of a part is written, counted from the first byte of its extent. */
const spansOf = ({ extent, spans }: WantedPart) => spans ?? [{ from: 0, length: extent.length }];

/** Bytes of each file that are stored somewhere, by its number. */
export function storedBytesOf(layout: Layout): Float64Array {
  const stored = new Float64Array(layout.files.length);
  for (const part of partsOf(layout))
    for (const { length } of spansOf(part)) stored[part.file] = (stored[part.file] ?? 0) + length;
  return stored;
}

/** What no part of a layout writes: it is zero. Where files begin empty it comes about by itself. */
export function zeroSpansOf(layout: Layout): readonly ZeroSpan[] {
  const stored = storedBytesOf(layout);
  const holed = new Map<number, { at: number; end: number }[]>();
  layout.files.forEach(({ sizeBytes }, number) => {
    if (sizeBytes > (stored[number] ?? 0)) holed.set(number, []);
  });
  for (const part of partsOf(layout)) {
    const covered = holed.get(part.file);
    for (const one of covered === undefined ? [] : spansOf(part))
      covered?.push({ at: part.at + one.from, end: part.at + one.from + one.length });
  }
  return [...holed].flatMap(([number, covered]) => {
    const file = layout.files[number];
    return file === undefined ? [] : gapsIn(layout.pathOf(file), file.sizeBytes, covered);
  });
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
