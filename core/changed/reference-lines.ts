import type { BlockReference } from '../wal/block-sink.ts';
import type { ForkChanges, ReferencesOfLog } from './block-references.ts';
import { fail } from '../errors/fail.ts';
import { parseJson } from '../format/fields.ts';
import { formatVersions } from '../format/version.ts';
import { lsnToNumber, parseLsn } from '../wal/lsn.ts';
import { BlockReferences } from './block-references.ts';

/** `[gap, length, gap, length, …]`: blocks between the ranges and in them, from block 0 on. */
function pairsOf({ blocks, limit }: ForkChanges): number[] {
  const pairs: number[] = [];
  let at = 0;
  for (const { from, to } of blocks.ranges(0, limit)) {
    pairs.push(from - at, to - from);
    at = to;
  }
  return pairs;
}

/** The lines of a block-reference object (docs/format.md §6), without line ends. */
export function* formatReferenceLines({ from, to, references }: ReferencesOfLog): Iterable<string> {
  yield JSON.stringify(['references', formatVersions.references.written, from, to]);
  const { lastUnlisted } = references;
  if (lastUnlisted !== undefined) yield JSON.stringify(['unlisted', lastUnlisted.lsn, lastUnlisted.why]);
  let databases = 0;
  for (const { tablespace, database } of references.databases()) {
    databases++;
    yield JSON.stringify(['database', tablespace, database]);
  }
  let forks = 0;
  for (const fork of references.forks()) {
    forks++;
    const { tablespace, database, number, limit } = fork;
    const place = [tablespace, database, number, fork.fork, limit === Infinity ? -1 : limit];
    yield JSON.stringify(['fork', ...place, pairsOf(fork)]);
  }
  yield JSON.stringify(['end', databases, forks]);
}

type Line = readonly unknown[];

/** Reads lines back. `what` names the object in errors. Throws `value_malformed`, `pool_format_newer`. */
export function parseReferenceLines(lines: Iterable<string>, what: string): ReferencesOfLog {
  const parser = new ReferenceParser(what);
  for (const line of lines) parser.take(parseJson(line, what));
  return parser.finish();
}

class ReferenceParser {
  readonly #what: string;
  readonly #references = new BlockReferences();
  #range: Omit<ReferencesOfLog, 'references'> | undefined;
  #databases = 0;
  #forks = 0;
  #isEnded = false;

  constructor(what: string) {
    this.#what = what;
  }

  take(value: unknown): void {
    if (!Array.isArray(value) || this.#isEnded) throw this.#malformed('a list, and nothing behind the end');
    const line: Line = value;
    if (this.#range === undefined) this.#range = this.#head(line);
    else this.#one(line);
  }

  finish(): ReferencesOfLog {
    if (this.#range === undefined || !this.#isEnded) throw this.#malformed('lines up to an end');
    return { ...this.#range, references: this.#references };
  }

  #malformed(expected: string): Error {
    return fail('value_malformed', { text: this.#what, what: 'block references', expected });
  }

  #head(line: Line): Omit<ReferencesOfLog, 'references'> {
    if (line[0] !== 'references') throw this.#malformed('a head');
    const { written } = formatVersions.references;
    const version = this.#count(line, 1);
    if (version > written)
      throw fail('pool_format_newer', { object: this.#what, found: String(version), readable: String(written) });
    return { from: parseLsn(this.#text(line, 2)), to: parseLsn(this.#text(line, 3)) };
  }

  #one(line: Line): void {
    if (line[0] === 'fork') this.#fork(line);
    else if (line[0] === 'database') {
      this.#databases++;
      this.#references.database(this.#count(line, 1), this.#count(line, 2));
    } else if (line[0] === 'unlisted') {
      const why = line[2] === 'minimal' ? 'minimal' : 'unknown-record';
      this.#references.unlisted(lsnToNumber(parseLsn(this.#text(line, 1))), why);
    } else if (line[0] === 'end') {
      this.#isEnded = line[1] === this.#databases && line[2] === this.#forks;
      if (!this.#isEnded) throw this.#malformed('as many lines as its end says');
    } else throw this.#malformed('a known kind of line');
  }

  #fork(line: Line): void {
    this.#forks++;
    const place = {
      tablespace: this.#count(line, 1),
      database: this.#count(line, 2),
      number: this.#count(line, 3),
      fork: this.#count(line, 4),
    };
    if (line[5] !== -1) this.#references.limit({ ...place, block: this.#count(line, 5) });
    const pairs: unknown = line[6];
    if (!Array.isArray(pairs) || pairs.length % 2 !== 0) throw this.#malformed('pairs of gap and length');
    this.#blocks(place, pairs);
  }

  #blocks(place: Omit<BlockReference, 'block'>, pairs: Line): void {
    let at = 0;
    for (let i = 0; i < pairs.length; i += 2) {
      const from = at + this.#count(pairs, i);
      at = from + this.#count(pairs, i + 1);
      if (at > blockCount) throw this.#malformed('block numbers of 32 bits');
      this.#references.range(place, { from, to: at });
    }
  }

  /** A whole number of 32 bits. */
  #count(line: Line, at: number): number {
    const value = line[at];
    const isCount = typeof value === 'number' && Number.isInteger(value) && value >= 0 && value < blockCount;
    if (!isCount) throw this.#malformed(`a number of 32 bits as element ${String(at)}`);
    return value;
  }

  #text(line: Line, at: number): string {
    const value = line[at];
    if (typeof value !== 'string') throw this.#malformed(`a text as element ${String(at)}`);
    return value;
  }
}

const blockCount = 4294967296;
