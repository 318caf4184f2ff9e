import { z } from 'zod';
import { fail } from '#core/errors/fail.ts';
import { parseJson } from '#core/format/fields.ts';
import { formatVersions } from '#core/format/version.ts';
import type {
  DatabaseFacts,
  FrameOfStream,
  GlobalFacts,
  LogicalMeta,
  LogicalStream,
  PieceOfLogicalSet,
  StreamContent,
} from '#core/logical/meta.ts';
import type { LogicalSetSummary } from '#core/logical/set-summary.ts';
import { withRecordedParts } from '#core/logical/set-summary.ts';
import { logicalSetSummaryShape } from '#core/settings/shape/logical.ts';
import { countShape, idShape, instantShape } from '#core/settings/shape/words.ts';

const hexOf = (digits: number): z.ZodString => z.string().regex(new RegExp(`^[0-9a-f]{${String(digits)}}$`));
const tableShape = z.looseObject({ schema: z.string(), table: z.string() });

const contentShape: z.ZodType<StreamContent> = z.discriminatedUnion('kind', [
  z.looseObject({ kind: z.enum(['pre-data', 'post-data', 'large-objects']) }),
  z.looseObject({
    ...{ kind: z.literal('table'), schema: z.string(), table: z.string(), columns: z.array(z.string()) },
    ...{ rows: countShape, root: tableShape.exactOptional() },
    isUnlogged: z.literal(true).exactOptional(),
    isOfExtension: z.literal(true).exactOptional(),
  }),
  z.looseObject({ kind: z.literal('sequences'), rows: countShape }),
]);

const factsShape: z.ZodType<DatabaseFacts> = z.looseObject({
  ...{ name: z.string(), isWhole: z.boolean(), snapshotAt: instantShape, owner: z.string(), encoding: z.string() },
  ...{ collate: z.string(), ctype: z.string(), localeProvider: z.string(), locale: z.string().exactOptional() },
  icuRules: z.string().exactOptional(),
  ...{ tablespace: z.string(), connectionLimit: z.number(), acl: z.string().exactOptional() },
  comment: z.string().exactOptional(),
  settings: z.array(z.looseObject({ role: z.string(), setting: z.string() })),
  extensions: z.array(z.looseObject({ name: z.string(), version: z.string(), schema: z.string() })),
  ...{ roles: z.array(z.string()), tablespaces: z.array(z.string()) },
  relations: z.array(
    z.looseObject({
      ...{ schema: z.string(), table: z.string() },
      kind: z.enum(['table', 'partitioned', 'view', 'materialized-view', 'foreign-table', 'sequence']),
    }),
  ),
});

const globalsShape: z.ZodType<GlobalFacts> = z.looseObject({
  roles: z.array(
    z.looseObject({
      ...{ name: z.string(), isSuperuser: z.boolean(), canLogin: z.boolean(), canInherit: z.boolean() },
      ...{ canCreateRole: z.boolean(), canCreateDatabase: z.boolean(), canReplicate: z.boolean() },
      ...{ canBypassRowSecurity: z.boolean(), connectionLimit: z.number() },
      ...{ memberOf: z.array(z.string()), settings: z.array(z.string()) },
    }),
  ),
  tablespaces: z.array(z.looseObject({ name: z.string(), owner: z.string(), location: z.string() })),
});

const lineShape = z.union([
  z.tuple([z.literal('logical'), countShape, z.unknown()]),
  z.tuple([z.literal('globals'), globalsShape]),
  z.tuple([z.literal('database'), factsShape]),
  z.tuple([z.literal('piece'), countShape, idShape('try'), countShape]),
  z.tuple([z.literal('stream'), z.string(), contentShape, countShape, countShape]),
  z.tuple([z.literal('frame'), countShape, countShape, countShape, countShape, hexOf(64), hexOf(32)]),
  z.tuple([z.literal('end'), countShape, countShape, countShape, countShape]),
]);
type Line = z.output<typeof lineShape>;

/** The lines of `meta` of a logical set in order, without line ends (docs/format.md §13). */
export function* formatLogicalLines({ summary, globals, databases, pieces, streams }: LogicalMeta): Iterable<string> {
  const line = (...items: readonly unknown[]): string => JSON.stringify(items);
  yield line('logical', formatVersions.logical.written, summary);
  yield line('globals', globals);
  for (const database of databases) yield line('database', database);
  for (const { piece, attempt, storedBytes } of pieces) yield line('piece', piece, attempt, storedBytes);
  let frameCount = 0;
  for (const { database, content, rawBytes, frames } of streams) {
    yield line('stream', database, content, rawBytes, frames.length);
    frameCount += frames.length;
    for (const f of frames) yield line('frame', f.pieceIndex, f.offset, f.storedBytes, f.rawBytes, f.sha256, f.hash);
  }
  yield line('end', databases.length, pieces.length, streams.length, frameCount);
}

/** Reads lines one after another. */
export class LogicalMetaReader {
  readonly #databases: DatabaseFacts[] = [];
  readonly #pieces: PieceOfLogicalSet[] = [];
  readonly #streams: (LogicalStream & { readonly frames: FrameOfStream[]; readonly frameCount: number })[] = [];
  #summary: LogicalSetSummary | undefined;
  #globals: GlobalFacts | undefined;
  #frames = 0;
  #number = 0;
  #isEnded = false;

  /** Throws `value_malformed` on a line that is none, `pool_format_newer` on a later format. */
  read(text: string): void {
    this.#number++;
    const found = lineShape.safeParse(parseJson(text, `line ${String(this.#number)} of meta`));
    const isInOrder = found.success && (this.#number === 1) === (found.data[0] === 'logical') && !this.#isEnded;
    if (!isInOrder) throw this.#malformed('a known line in order');
    this.#take(found.data);
  }

  /** Throws `value_malformed` when lines are missing or contradict each other. */
  finish(): LogicalMeta {
    const [summary, globals] = [this.#summary, this.#globals];
    if (summary === undefined || globals === undefined || !this.#isEnded)
      throw this.#malformed('an end line whose counts are right');
    for (const stream of this.#streams) {
      const isWhole = stream.frames.length === stream.frameCount && rawBytesOf(stream.frames) === stream.rawBytes;
      const isPlaced = stream.frames.every(({ pieceIndex }) => pieceIndex < this.#pieces.length);
      if (!isWhole || !isPlaced) throw this.#malformed('streams with all of their frames');
    }
    const streams = this.#streams.map(({ database, content, rawBytes, frames }) => ({
      ...{ database, content, rawBytes, frames },
    }));
    const databases = withRecordedParts(summary.selection, this.#databases);
    return { summary, globals, databases, pieces: this.#pieces, streams };
  }

  #take(line: Line): void {
    switch (line[0]) {
      case 'logical':
        this.#begin(line[1], line[2]);
        return;
      case 'globals':
        this.#globals = line[1];
        return;
      case 'database':
        this.#databases.push(line[1]);
        return;
      case 'piece':
        this.#pieces.push({ piece: line[1], attempt: line[2], storedBytes: line[3] });
        return;
      case 'stream':
        this.#streams.push({ database: line[1], content: line[2], rawBytes: line[3], frameCount: line[4], frames: [] });
        return;
      case 'frame':
        this.#frame(line);
        return;
      case 'end':
        this.#isEnded = [this.#databases.length, this.#pieces.length, this.#streams.length, this.#frames].every(
          (count, i) => line[i + 1] === count,
        );
    }
  }

  #begin(format: number, summary: unknown): void {
    const { written } = formatVersions.logical;
    if (format > written)
      throw fail('pool_format_newer', { object: 'logical meta', found: String(format), readable: String(written) });
    const read = logicalSetSummaryShape.parse(summary);
    this.#summary = { ...read, databases: withRecordedParts(read.selection, read.databases) };
  }

  #frame([, pieceIndex, offset, storedBytes, rawBytes, sha256, hash]: Extract<
    Line,
    readonly ['frame', ...unknown[]]
  >): void {
    const stream = this.#streams[this.#streams.length - 1];
    if (stream === undefined) throw this.#malformed('a stream before its frames');
    stream.frames.push({ pieceIndex, offset, storedBytes, rawBytes, sha256, hash });
    this.#frames++;
  }

  #malformed(expected: string) {
    return fail('value_malformed', {
      text: `line ${String(this.#number)}`,
      what: 'line of the meta of a logical set',
      expected,
    });
  }
}

const rawBytesOf = (frames: readonly FrameOfStream[]): number =>
  frames.reduce((sum, { rawBytes }) => sum + rawBytes, 0);
