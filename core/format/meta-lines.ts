import { fail } from '../errors/fail.ts';
import { parseId } from '../id.ts';
import type {
  DamagedPage,
  Extent,
  FileOfSet,
  FrameOfSet,
  MemberOfSet,
  PieceOfSet,
  SetMeta,
  SetToCommit,
} from './meta.ts';
import { baseFrame, zeroFrame } from './meta.ts';
import type { SetSummary } from '../backup/set-summary.ts';
import { formatVersions } from './version.ts';
import { parseJson } from './fields.ts';

function memberLine(member: MemberOfSet): unknown {
  if (member.kind === 'directory') return ['directory', member.path, member.mode];
  if (member.kind === 'symlink') return ['symlink', member.path, member.target];
  const extents = member.extents.map(({ frame, offset, length, hash }) => [frame, offset, length, hash]);
  return ['file', member.path, member.mode, member.sizeBytes, member.mtimeMs, member.origin ?? '', extents];
}

function* values(meta: SetToCommit): Iterable<unknown> {
  let members = 0;
  yield ['set', formatVersions.meta.written, meta.summary];
  for (const { piece, attempt, storedBytes } of meta.pieces) yield ['piece', piece, attempt, storedBytes];
  for (const f of meta.frames) yield ['frame', f.pieceIndex, f.offset, f.storedBytes, f.rawBytes, f.sha256];
  for (const member of meta.members) {
    yield memberLine(member);
    members++;
  }
  for (const { path, block } of meta.damagedPages) yield ['damaged', path, block];
  yield ['end', meta.pieces.length, meta.frames.length, members, meta.damagedPages.length];
}

/** The lines of `meta` in order, without line ends (docs/format.md §5). One at a time: a set may have millions. */
export function* formatMetaLines(meta: SetToCommit): Iterable<string> {
  for (const value of values(meta)) yield JSON.stringify(value);
}

/** One parsed line; elements are read by position with their kind checked. */
class Line {
  readonly #items: readonly unknown[];
  readonly #number: number;

  constructor(items: readonly unknown[], number: number) {
    this.#items = items;
    this.#number = number;
  }

  #malformed(at: number, expected: string) {
    return fail('value_malformed', {
      text: `line ${String(this.#number)}, element ${String(at)}`,
      what: 'line of meta',
      expected,
    });
  }

  text(at: number): string {
    const value = this.#items[at];
    if (typeof value !== 'string') throw this.#malformed(at, 'a text');
    return value;
  }

  /** A whole number from `least` (0, or less for frames that are none) to 2^53. */
  count(at: number, least = 0): number {
    const value = this.#items[at];
    if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < least)
      throw this.#malformed(at, 'a whole number');
    return value;
  }

  /** File times have fractions of milliseconds. */
  time(at: number): number {
    const value = this.#items[at];
    if (typeof value !== 'number' || !Number.isFinite(value)) throw this.#malformed(at, 'a number');
    return value;
  }

  hex(at: number, digits: number): string {
    const value = this.text(at);
    if (value.length !== digits || !/^[0-9a-f]*$/.test(value))
      throw this.#malformed(at, `${String(digits)} hex digits`);
    return value;
  }

  lines(at: number): readonly Line[] {
    const value = this.#items[at];
    if (!Array.isArray(value)) throw this.#malformed(at, 'a list');
    return value.map((item: unknown) => new Line(Array.isArray(item) ? item : [], this.#number));
  }

  value(at: number): unknown {
    return this.#items[at];
  }
}

function extentOf(line: Line, leastFrame: number): Extent {
  const frame = line.count(0, leastFrame);
  return { frame, offset: line.count(1), length: line.count(2), hash: line.hex(3, frame < 0 ? 0 : 32) };
}

function fileOf(line: Line, leastFrame: number): FileOfSet {
  const origin = line.text(5);
  return {
    kind: 'file',
    path: line.text(1),
    mode: line.count(2),
    sizeBytes: line.count(3),
    mtimeMs: line.time(4),
    extents: line.lines(6).map((each) => extentOf(each, leastFrame)),
    ...(origin === '' ? {} : { origin }),
  };
}

const pieceOf = (line: Line): PieceOfSet => ({
  piece: line.count(1),
  attempt: parseId('try', line.text(2)),
  storedBytes: line.count(3),
});
const frameOf = (line: Line): FrameOfSet => ({
  pieceIndex: line.count(1),
  offset: line.count(2),
  storedBytes: line.count(3),
  rawBytes: line.count(4),
  sha256: line.hex(5, 64),
});

/** Reads `meta` line by line. */
export interface MetaReader {
  /** Throws `value_malformed` on a line that is none, `pool_format_newer` on a later format. */
  read(text: string): void;
  /** Throws `value_malformed` when lines are missing. */
  finish(): SetMeta;
}

/** A reader of one `meta`. `parseSummary` checks the foreign JSON of the first line. */
export function createMetaReader(parseSummary: (value: unknown) => SetSummary): MetaReader {
  const pieces: PieceOfSet[] = [];
  const frames: FrameOfSet[] = [];
  const members: MemberOfSet[] = [];
  const damagedPages: DamagedPage[] = [];
  let summary: SetSummary | undefined;
  let isEnded = false;
  let number = 0;
  let leastFrame = zeroFrame;
  const begin = (line: Line): void => {
    const format = line.count(1);
    const { written } = formatVersions.meta;
    if (format > written)
      throw fail('pool_format_newer', { object: 'meta', found: String(format), readable: String(written) });
    leastFrame = format < 2 ? zeroFrame : baseFrame;
    summary = parseSummary(line.value(2));
  };
  const end = (line: Line): void => {
    const counts = [pieces, frames, members, damagedPages].map((list) => list.length);
    isEnded = counts.every((count, i) => line.count(i + 1) === count);
  };
  const readers: Readonly<Record<string, (line: Line) => void>> = {
    set: begin,
    piece: (line) => pieces.push(pieceOf(line)),
    frame: (line) => frames.push(frameOf(line)),
    directory: (line) => members.push({ kind: 'directory', path: line.text(1), mode: line.count(2) }),
    symlink: (line) => members.push({ kind: 'symlink', path: line.text(1), target: line.text(2) }),
    file: (line) => members.push(fileOf(line, leastFrame)),
    damaged: (line) => damagedPages.push({ path: line.text(1), block: line.count(2) }),
    end,
  };
  return {
    read(text) {
      number++;
      const value = parseJson(text, `line ${String(number)} of meta`);
      const line = new Line(Array.isArray(value) ? value : [], number);
      const reader = Object.hasOwn(readers, line.text(0)) ? readers[line.text(0)] : undefined;
      const isInOrder = (number === 1) === (line.text(0) === 'set') && !isEnded;
      if (reader === undefined || !isInOrder)
        throw fail('value_malformed', {
          text: `line ${String(number)}`,
          what: 'line of meta',
          expected: 'a known line in order',
        });
      reader(line);
    },
    finish() {
      if (summary === undefined || !isEnded)
        throw fail('value_malformed', {
          text: `${String(number)} lines`,
          what: 'meta',
          expected: 'an end line whose counts are right',
        });
      return { summary, pieces, frames, members, damagedPages };
    },
  };
}
