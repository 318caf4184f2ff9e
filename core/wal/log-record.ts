/** The few records whose content we need (PostgreSQL 12–18: `xlogrecord.h`, `xact.h`, `xlog_internal.h`, `pg_control.h`). */

export const recordHeaderBytes = 24;
const transactionManager = 1;
const tablespaceManager = 5;
const hasInfoFlag = 0x80;
const microsTo2000 = 946_684_800_000_000;

export type NotableRecord =
  /** Commit or abort, also of a prepared transaction. `atMicros` counts from 1970. */
  | { readonly kind: 'end'; readonly isCommit: boolean; readonly atMicros: number; readonly xid: number }
  | { readonly kind: 'restore-point'; readonly name: string; readonly atMicros: number }
  /** `atMicros` is when the checkpoint began, in whole seconds: the record itself is younger. */
  | {
      readonly kind: 'checkpoint';
      readonly redo: number;
      readonly timeline: number;
      readonly isShutdown: boolean;
      readonly atMicros: number;
    }
  /** CREATE TABLESPACE: replay makes the link to this very path, whatever directory it replays into (`tablespace.h`). */
  | { readonly kind: 'tablespace'; readonly oid: number; readonly path: string }
  /** The rest of the segment is padding. */
  | { readonly kind: 'switch' };

/** A whole record in memory: `at` is the offset of its header, `end` the offset after it. */
export interface RecordBytes {
  readonly view: DataView;
  readonly at: number;
  readonly end: number;
  readonly major: number;
}

/** True for records that `decodeRecord` can say something about: most are passed over by their two header bytes. */
export function isNotable(manager: number, info: number): boolean {
  if (manager === transactionManager) return (info & 0x70) !== 0x10 && (info & 0x70) <= 0x40;
  const op = info & 0xf0;
  if (manager === tablespaceManager) return op === 0;
  return manager === 0 && (op === 0 || op === 0x10 || op === 0x40 || op === 0x70);
}

/** Decodes a notable record; undefined for anything else. The CRC has been checked before. */
export function decodeRecord(record: RecordBytes): NotableRecord | undefined {
  const info = record.view.getUint8(record.at + 16);
  const manager = record.view.getUint8(record.at + 17);
  if (!isNotable(manager, info)) return undefined;
  if (manager === 0 && (info & 0xf0) === 0x40) return { kind: 'switch' };
  const main = mainDataOf(record);
  if (main === undefined || record.end - main < 8) return undefined;
  if (manager === tablespaceManager)
    return { kind: 'tablespace', oid: record.view.getUint32(main, true), path: textAt(record, main + 4) };
  if (manager === transactionManager) return decodeEnd(record, info, main);
  return (info & 0xf0) === 0x70
    ? decodeRestorePoint(record, main)
    : decodeCheckpoint(record, main, (info & 0xf0) === 0);
}

/** Offset of the main data, which is last. These records hold no block references; origin and top-level id may come first. */
function mainDataOf({ view, at, end }: RecordBytes): number | undefined {
  let p = at + recordHeaderBytes;
  while (end - p > 2) {
    const id = view.getUint8(p);
    if (id === 255) return end - view.getUint8(p + 1);
    if (id === 254) return end - p > 5 ? end - view.getUint32(p + 1, true) : undefined;
    if (id === 253) p += 3;
    else if (id === 252) p += 5;
    else return undefined;
  }
  return undefined;
}

const microsAt = (view: DataView, at: number): number =>
  view.getUint32(at, true) + view.getInt32(at + 4, true) * 4294967296 + microsTo2000;

function decodeEnd(record: RecordBytes, info: number, main: number): NotableRecord {
  const op = info & 0x70;
  const isPrepared = op === 0x30 || op === 0x40;
  const own = record.view.getUint32(record.at + 4, true);
  const xid = isPrepared && (info & hasInfoFlag) !== 0 ? preparedXid(record, main) : own;
  return { kind: 'end', isCommit: op === 0 || op === 0x30, atMicros: microsAt(record.view, main), xid };
}

/** Id of a prepared transaction: behind the optional parts of the record in their fixed order (`ParseCommitRecord`). */
function preparedXid({ view, end, major }: RecordBytes, main: number): number {
  const read = (at: number): number => (at + 4 <= end ? view.getUint32(at, true) : 0);
  const flags = read(main + 8);
  let p = main + 12;
  if ((flags & 1) !== 0) p += 8;
  const lists = [
    { flag: 2, itemBytes: 4 },
    { flag: 4, itemBytes: 12 },
    { flag: 256, itemBytes: major >= 18 ? 16 : 12 },
    { flag: 8, itemBytes: 16 },
  ];
  for (const { flag, itemBytes } of lists) if ((flags & flag) !== 0) p += 4 + itemBytes * read(p);
  return (flags & 16) !== 0 ? read(p) : 0;
}

const restorePointBytes = 64;

function decodeRestorePoint(record: RecordBytes, main: number): NotableRecord {
  return {
    kind: 'restore-point',
    name: textAt(record, main + 8, restorePointBytes),
    atMicros: microsAt(record.view, main),
  };
}

/** A text up to its NUL, the end of the record, or so many bytes. */
function textAt({ view, end }: RecordBytes, from: number, most = Infinity): string {
  const bytes = new Uint8Array(view.buffer, view.byteOffset + from, Math.min(most, end - from));
  const length = bytes.indexOf(0);
  return decodeUtf8(bytes.subarray(0, length < 0 ? bytes.length : length));
}

function decodeCheckpoint({ view, end }: RecordBytes, main: number, isShutdown: boolean): NotableRecord | undefined {
  if (end - main < 72) return undefined;
  const redo = view.getUint32(main, true) + view.getUint32(main + 4, true) * 4294967296;
  const seconds = view.getUint32(main + 64, true) + view.getInt32(main + 68, true) * 4294967296;
  return {
    kind: 'checkpoint',
    redo,
    timeline: view.getUint32(main + 8, true),
    isShutdown,
    atMicros: seconds * 1_000_000,
  };
}

/** Percent-decoding is the one UTF-8 decoder of the language itself: core has neither node: nor DOM. */
function decodeUtf8(bytes: Uint8Array): string {
  const percent = Array.from(bytes, (b) => `%${b.toString(16).padStart(2, '0')}`).join('');
  try {
    return decodeURIComponent(percent);
  } catch {
    return Array.from(bytes, (b) => String.fromCharCode(b)).join('');
  }
}
