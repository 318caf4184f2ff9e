import type { BlockReference, BlockSink, Unlisted } from '../wal/block-sink.ts';
import type { Lsn } from '../wal/lsn.ts';
import type { BlockRange } from './changed-pages.ts';
import { fsmFork } from '../wal/block-sink.ts';
import { formatLsn, lsnToNumber } from '../wal/lsn.ts';
import { BlockSet } from './block-set.ts';

/** What log did to one fork of a relation. */
export interface ForkChanges {
  readonly tablespace: number;
  /** 0 in the shared tablespace. */
  readonly database: number;
  readonly number: number;
  /** 0 main, 2 visibility map, 3 init. */
  readonly fork: number;
  /** Smallest length that the fork was cut to, or created with (0); Infinity when neither happened. */
  readonly limit: number;
  /** Blocks that records name. Incomplete for the visibility map (engine.md §A): copy that whole. */
  readonly blocks: BlockSet;
}

/** A database whose files in one tablespace were made by a copy, or dropped. */
export interface ChangedDatabase {
  readonly tablespace: number;
  readonly database: number;
}

type Growing = { -readonly [K in keyof ForkChanges]: ForkChanges[K] };

/**
 * Collects what log says about relation files: fewer bytes than the log by far, whatever its length. The free space map is
 * left out: no record names it reliably. Order does not matter, everything only grows.
 */
export class BlockReferences implements BlockSink {
  /** By relation file number, which is nearly unique. */
  readonly #forks = new Map<number, Growing[]>();
  readonly #databases = new Map<string, ChangedDatabase>();
  /** Looked at first: log goes back and forth between a table and its indexes. */
  readonly #recent = Array.from<Growing | undefined>({ length: recentForks });
  #unlisted: { readonly at: number; readonly why: Unlisted } | undefined;

  block(reference: BlockReference): void {
    if (reference.fork !== fsmFork) this.#entry(reference).blocks.add(reference.block);
  }

  /** Many neighbouring blocks at once. */
  range(fork: Omit<BlockReference, 'block'>, range: BlockRange): void {
    if (fork.fork !== fsmFork) this.#entry(fork).blocks.addRange(range);
  }

  limit(reference: BlockReference): void {
    if (reference.fork === fsmFork) return;
    const entry = this.#entry(reference);
    entry.limit = Math.min(entry.limit, reference.block);
  }

  database(tablespace: number, database: number): void {
    this.#databases.set(databaseKey(tablespace, database), { tablespace, database });
  }

  unlisted(at: number, why: Unlisted): void {
    if (at >= (this.#unlisted?.at ?? 0)) this.#unlisted = { at, why };
  }

  /** Takes over everything of another. */
  merge(other: BlockReferences): void {
    for (const fork of other.forks()) {
      const entry = this.#entry(fork);
      entry.limit = Math.min(entry.limit, fork.limit);
      entry.blocks.merge(fork.blocks);
    }
    for (const { tablespace, database } of other.databases()) this.database(tablespace, database);
    if (other.#unlisted !== undefined) this.unlisted(other.#unlisted.at, other.#unlisted.why);
  }

  /** The last place at which changes may have begun that no record names. */
  get lastUnlisted(): { readonly lsn: Lsn; readonly why: Unlisted } | undefined {
    return this.#unlisted === undefined ? undefined : { lsn: formatLsn(this.#unlisted.at), why: this.#unlisted.why };
  }

  changesOf(fork: Omit<BlockReference, 'block'>): ForkChanges | undefined {
    return this.#find(fork);
  }

  /** True when every file of the database in this tablespace must be copied whole. */
  isWhole(tablespace: number, database: number): boolean {
    return this.#databases.has(databaseKey(tablespace, database));
  }

  *forks(): Iterable<ForkChanges> {
    for (const entries of this.#forks.values()) yield* entries;
  }

  databases(): Iterable<ChangedDatabase> {
    return this.#databases.values();
  }

  #find(fork: Omit<BlockReference, 'block'>): Growing | undefined {
    // Not `find`: this runs for every reference of the log.
    for (const each of this.#forks.get(fork.number) ?? []) if (isSame(each, fork)) return each;
    return undefined;
  }

  #make({ tablespace, database, number, fork }: Omit<BlockReference, 'block'>): Growing {
    const entry = { tablespace, database, number, fork, limit: Infinity, blocks: new BlockSet() };
    const entries = this.#forks.get(number);
    if (entries === undefined) this.#forks.set(number, [entry]);
    else entries.push(entry);
    return entry;
  }

  #entry(fork: Omit<BlockReference, 'block'>): Growing {
    const slot = (fork.number + fork.fork) % recentForks;
    const recent = this.#recent[slot];
    if (recent !== undefined && isSame(recent, fork)) return recent;
    const entry = this.#find(fork) ?? this.#make(fork);
    this.#recent[slot] = entry;
    return entry;
  }
}

const recentForks = 16;

const databaseKey = (tablespace: number, database: number): string => `${String(tablespace)}/${String(database)}`;

const isSame = (a: Omit<BlockReference, 'block'>, b: Omit<BlockReference, 'block'>): boolean =>
  a.number === b.number && a.fork === b.fork && a.database === b.database && a.tablespace === b.tablespace;

/** References of a stretch of log: of every record that begins in `[from, to)`. */
export interface ReferencesOfLog {
  readonly from: Lsn;
  readonly to: Lsn;
  readonly references: BlockReferences;
}

/** Adds a stretch that follows; undefined when records between the two were not seen. `first` is changed. */
export function joinReferences(first: ReferencesOfLog, next: ReferencesOfLog): ReferencesOfLog | undefined {
  if (lsnToNumber(next.from) > lsnToNumber(first.to)) return undefined;
  first.references.merge(next.references);
  return { ...first, to: next.to };
}
