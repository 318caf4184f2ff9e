import { bug } from '#core/errors/fail.ts';
import type { FileOfSet } from '#core/format/meta.ts';
import type { Layout, WantedPart, WantedShare } from './lay-out.ts';
import type { FileEnd, FramePart, PieceTask, ToWriter } from './write-message.ts';

/** Files that are finished by one message. */
const filesAtOnce = 64;
/** Files from this size on are finished by a message of their own. */
const largeBytes = 16 * 1024 * 1024;

/** One message for each share, made as it is asked for: with the paths of all files at once a layout would be several times as large. */
export function* pieceMessages(layout: Layout): Generator<ToWriter> {
  for (const share of layout.shares) yield { kind: 'piece', task: taskOf(layout, share) };
}

function taskOf(layout: Layout, { object, key, isLast, frames }: WantedShare): PieceTask {
  const from = frames[0]?.frame.offset ?? 0;
  const last = frames.at(-1)?.frame;
  return {
    ...{ object, key, isLast, from },
    storedBytes: last === undefined ? 0 : last.offset + last.storedBytes - from,
    frames: frames.map(({ frame, parts }) => ({
      offset: frame.offset,
      storedBytes: frame.storedBytes,
      sha256: frame.sha256,
      parts: parts.map((part) => partOf(layout, part)),
    })),
  };
}

function partOf({ files, pathOf }: Layout, { file: number, extent, at, spans }: WantedPart): FramePart {
  const file = files[number];
  if (file === undefined) throw bug(`a layout has no file ${String(number)}`);
  const { offset: from, length, hash } = extent;
  const part = { file: number, path: pathOf(file), at, fileBytes: file.sizeBytes, from, length, hash };
  return spans === undefined ? part : { ...part, spans };
}

export const endOf = ({ pathOf }: Pick<Layout, 'pathOf'>, file: FileOfSet): FileEnd => ({
  path: pathOf(file),
  member: file.path,
  sizeBytes: file.sizeBytes,
  mode: file.mode,
  mtimeMs: file.mtimeMs,
});

/** Ends of files, largest first: the disk is busiest with them. */
export function* endMessages(layout: Layout): Generator<ToWriter> {
  const { files } = layout;
  const sizes = Float64Array.from(files, ({ sizeBytes }) => sizeBytes);
  const order = Uint32Array.from(files.keys()).sort((a, b) => (sizes[b] ?? 0) - (sizes[a] ?? 0));
  for (let at = 0; at < order.length;) {
    const count = (sizes[order[at] ?? 0] ?? 0) > largeBytes ? 1 : filesAtOnce;
    const some = Array.from(order.subarray(at, at + count), (number) => files[number]);
    yield { kind: 'end', files: some.flatMap((file) => (file === undefined ? [] : [endOf(layout, file)])) };
    at += count;
  }
}
