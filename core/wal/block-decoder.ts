import type { BlockReference, BlockSink } from './block-sink.ts';
import type { RecordBytes } from './log-record.ts';
import { mainFork } from './block-sink.ts';
import { recordHeaderBytes } from './log-record.ts';

/** Markers in the place of a block id (`xlogrecord.h`). */
const highestBlockId = 32;
const topLevelXid = 252;
const origin = 253;
const longMain = 254;
const shortMain = 255;

const hasImageFlag = 0x10;
const sameRelationFlag = 0x80;
const imageHoleFlag = 1;

/** Resource managers (`rmgrlist.h`, the same numbers in 12–18). */
const manager = { log: 0, transaction: 1, storage: 2, database: 4 } as const;
const parameterChange = 0x60;
const storageCreate = 0x10;
const storageTruncate = 0x20;
const truncateForks = [
  { flag: 1, fork: mainFork },
  // Why 0: the map of a shorter relation has a length of its own, which servers computed wrongly; it is copied whole anyway.
  { flag: 2, fork: 2 },
] as const;
const hasInfoFlag = 0x80;
const dropListFlag = 4;
/** Every fork that a dropped relation may have had, but for the free space map, which is always copied whole. */
const droppedForks = [0, 2, 3] as const;

interface Mutable {
  tablespace: number;
  database: number;
  number: number;
  fork: number;
  block: number;
}

/**
 * Tells a sink which blocks a record names and what it does to files beside that, for PostgreSQL 12–18 (engine.md §B
 * "Format differences", "Effects outside block refs"). One object decodes all records of a reader.
 */
export class BlockDecoder {
  readonly #reference: Mutable & BlockReference = { tablespace: 0, database: 0, number: 0, fork: 0, block: 0 };
  /** Bytes that the headers passed so far announce. */
  #dataBytes = 0;

  /** `record` passed its CRC; `position` is where it begins in the log. */
  decode(record: RecordBytes, position: number, sink: BlockSink): void {
    const main = this.#headers(record, sink);
    const hasEffects = record.view.getUint8(record.at + 17) <= manager.database;
    const isUnderstood = main !== undefined && (!hasEffects || this.#effects(record, main, { position, sink }));
    if (!isUnderstood) sink.unlisted(position, 'unknown-record');
  }

  /** Passes over the headers and answers where the main data begins, which is last; undefined when they do not add up. */
  #headers(record: RecordBytes, sink: BlockSink): number | undefined {
    const { view, end } = record;
    this.#dataBytes = 0;
    let p = record.at + recordHeaderBytes;
    while (end - p > this.#dataBytes) {
      const id = view.getUint8(p);
      if (id > highestBlockId) {
        if (id !== origin && id !== topLevelXid) return mainOf(record, p, this.#dataBytes);
        p += id === origin ? 3 : 5;
      } else {
        const headerBytes = this.#block(record, p);
        if (headerBytes === 0) return undefined;
        p += headerBytes;
        sink.block(this.#reference);
      }
    }
    return end - p === this.#dataBytes ? end : undefined;
  }

  /** Decodes the header of one block and answers its length; 0 when the record ends before it does. */
  #block({ view, end, major }: RecordBytes, from: number): number {
    if (end - from < 8) return 0;
    const flags = view.getUint8(from + 1);
    const hasImage = (flags & hasImageFlag) !== 0;
    const isSame = (flags & sameRelationFlag) !== 0;
    if (end - from < 8 + (hasImage ? 5 : 0) + (isSame ? 0 : 12)) return 0;
    this.#dataBytes += view.getUint16(from + 2, true);
    let p = from + 4;
    if (hasImage) {
      this.#dataBytes += view.getUint16(p, true);
      p += hasHoleLength(view.getUint8(p + 4), major) ? 7 : 5;
    }
    const reference = this.#reference;
    if (!isSame) {
      reference.tablespace = view.getUint32(p, true);
      reference.database = view.getUint32(p + 4, true);
      reference.number = view.getUint32(p + 8, true);
      p += 12;
    }
    if (end - p < 4) return 0;
    reference.fork = flags & 15;
    reference.block = view.getUint32(p, true);
    return p + 4 - from;
  }

  /** False when the main data is shorter than its kind of record needs. */
  #effects(record: RecordBytes, main: number, { position, sink }: { position: number; sink: BlockSink }): boolean {
    const info = record.view.getUint8(record.at + 16);
    switch (record.view.getUint8(record.at + 17)) {
      case manager.log:
        return (info & 0xf0) !== parameterChange || parameters(record, main, { position, sink });
      case manager.transaction:
        return (info & hasInfoFlag) === 0 || !isEnd(info) || this.#dropList(record, main, sink);
      case manager.storage:
        return this.#storage(record, main, { op: info & 0xf0, sink });
      case manager.database:
        return database(record, main, { op: info & 0xf0, sink });
      default:
        return true;
    }
  }

  #limit(sink: BlockSink, { view }: RecordBytes, at: number): void {
    const reference = this.#reference;
    reference.tablespace = view.getUint32(at, true);
    reference.database = view.getUint32(at + 4, true);
    reference.number = view.getUint32(at + 8, true);
    sink.limit(reference);
  }

  #storage(record: RecordBytes, main: number, { op, sink }: { op: number; sink: BlockSink }): boolean {
    const { view, end } = record;
    const reference = this.#reference;
    if (op === storageCreate) {
      if (end - main < 16) return false;
      reference.fork = view.getUint32(main + 12, true);
      reference.block = 0;
      this.#limit(sink, record, main);
    } else if (op === storageTruncate) {
      if (end - main < 20) return false;
      const flags = view.getUint32(main + 16, true);
      for (const { flag, fork } of truncateForks) {
        if ((flags & flag) === 0) continue;
        reference.fork = fork;
        reference.block = fork === mainFork ? view.getUint32(main, true) : 0;
        this.#limit(sink, record, main + 4);
      }
    }
    return true;
  }

  /** Relations that a commit or an abort removes (`ParseCommitRecord`, `ParseAbortRecord`: the same order). */
  #dropList(record: RecordBytes, main: number, sink: BlockSink): boolean {
    const { view, end } = record;
    if (end - main < 12) return false;
    const flags = view.getUint32(main + 8, true);
    if ((flags & dropListFlag) === 0) return true;
    let p = main + 12;
    if ((flags & 1) !== 0) p += 8;
    if ((flags & 2) !== 0) p += end - p < 4 ? 4 : 4 + 4 * view.getUint32(p, true);
    if (end - p < 4) return false;
    const count = view.getUint32(p, true);
    p += 4;
    if (end - p < 12 * count) return false;
    for (let i = 0; i < count; i++, p += 12) {
      for (const fork of droppedForks) {
        this.#reference.fork = fork;
        this.#reference.block = 0;
        this.#limit(sink, record, p);
      }
    }
    return true;
  }
}

/** Commit, abort, and both of a prepared transaction. */
const isEnd = (info: number): boolean => [0, 0x20, 0x30, 0x40].includes(info & 0x70);

/** The length of the hole of a page image is written only when the image is compressed; the bits for that changed in 15. */
const hasHoleLength = (image: number, major: number): boolean =>
  (image & imageHoleFlag) !== 0 && (image & (major >= 15 ? 0x1c : 0x02)) !== 0;

/** Where the main data begins whose header is at `p`, behind `dataBytes` of blocks; undefined when that is not the end of the record. */
function mainOf({ view, end }: RecordBytes, p: number, dataBytes: number): number | undefined {
  const id = view.getUint8(p);
  const headerBytes = id === shortMain ? 2 : 5;
  if ((id !== shortMain && id !== longMain) || end - p < headerBytes) return undefined;
  const length = id === shortMain ? view.getUint8(p + 1) : view.getUint32(p + 1, true);
  return end - p - headerBytes === dataBytes + length ? end - length : undefined;
}

interface Said {
  readonly position: number;
  readonly sink: BlockSink;
}

/** xl_parameter_change: five numbers, then wal_level, which is 0 for minimal. */
function parameters({ view, end }: RecordBytes, main: number, { position, sink }: Said): boolean {
  if (end - main < 24) return false;
  if (view.getInt32(main + 20, true) === 0) sink.unlisted(position, 'minimal');
  return true;
}

/**
 * Until 14: 00 create by copy of files, 10 drop. From 15: 00 by copy of files, 10 by log, 20 drop. A drop names one
 * tablespace in 12, a counted list of them from 13 on.
 */
function database(record: RecordBytes, main: number, { op, sink }: { op: number; sink: BlockSink }): boolean {
  const { view, end, major } = record;
  if (end - main < 8) return false;
  const id = view.getUint32(main, true);
  const isDrop = op === (major >= 15 ? 0x20 : 0x10);
  if (!isDrop || major < 13) {
    sink.database(view.getUint32(main + 4, true), id);
    return true;
  }
  const count = view.getUint32(main + 4, true);
  if (end - main < 8 + 4 * count) return false;
  for (let i = 0; i < count; i++) sink.database(view.getUint32(main + 8 + 4 * i, true), id);
  return true;
}
