import type { Changed } from '#core/changed/changed-pages.ts';
import type { Compression } from '#core/agent/order.ts';
import type { DamagedPage, FileOfSet, FrameOfSet, PieceOfSet } from '#core/format/meta.ts';
import { bug } from '#core/errors/fail.ts';
import type { AttemptId } from '#core/id.ts';
import type { PoolAccess } from '#core/pool/pool-access.ts';
import type { Lsn } from '#core/wal/lsn.ts';
import type { SetKeys } from '#agent/sets/set-keys.ts';
import type { Carrying } from './carrying.ts';

/** One file to copy, as the scan of the data directory saw it. */
export interface SourceFile {
  /** Path within the set, with `/`. */
  readonly path: string;
  /** Where to read it on this host; absent where `root` leads to it. */
  readonly absolute?: string | undefined;
  /** Directory below which it lies under its path: one text for all files, where a text for each would cost much memory. */
  readonly root?: string | undefined;
  /** Bytes at the scan: a file that grew meanwhile is copied up to here, the log replays the rest. */
  readonly sizeBytes: number;
  readonly mode: number;
  readonly mtimeMs: number;
  /** Present for relation forks with page checksums: the block number of the file's first page (segment × 131072). */
  readonly pages?: { readonly firstBlock: number } | undefined;
  /** True: a file that vanished fails the copy; false: it is left out (a dropped relation). */
  readonly mustExist: boolean;
  /** Absolute path of configuration that lives outside the data directory. */
  readonly origin?: string | undefined;
  /** In an incremental: what must be read of it. What then equals the base is not stored. Absent: all is read and stored. */
  readonly changed?: Changed | undefined;
}

/** Where to read a file on this host. */
export function absoluteOf({ absolute, root, path }: Pick<SourceFile, 'absolute' | 'root' | 'path'>): string {
  if (absolute !== undefined) return absolute;
  if (root === undefined) throw bug(`nobody said where ${path} lies`);
  return `${root}/${path}`;
}

/** What an incremental must know about the files of the set that it builds on. */
export interface BaseFiles {
  /** Bytes of the file in the base; undefined when the base has none of that path. */
  sizeOf(path: string): number | undefined;
  /** When the file was last written before the base, in milliseconds since 1970; undefined when the base has none of that path. */
  timeOf(path: string): number | undefined;
  /** Hash of the bytes `[from, from + length)` of a file in the base, where one extent holds exactly these; else ''. */
  hashOf(path: string, from: number, length: number): string;
  /** True: the base recorded damaged pages of the file, so nothing of it is built upon. */
  isDamaged(path: string): boolean;
}

/** Bytes of one file that a piece holds; `frame` counts within the piece. */
export interface AcknowledgedExtent {
  readonly path: string;
  /** Offset in the file. */
  readonly from: number;
  readonly length: number;
  /** 128-bit XXH3 of the raw bytes. */
  readonly hash: string;
  readonly frame: number;
  /** Offset in the raw frame. */
  readonly offset: number;
}

/** A piece the pool holds durably, with all that a later attempt needs to use it again. Plain JSON: it is journalled. */
export interface AcknowledgedPiece {
  readonly piece: PieceOfSet;
  readonly frames: readonly Omit<FrameOfSet, 'pieceIndex'>[];
  readonly extents: readonly AcknowledgedExtent[];
}

/** What a copy is about, for all files of one attempt. */
export interface CopyRequest {
  readonly pool: PoolAccess;
  readonly set: SetKeys;
  readonly attemptId: AttemptId;
  /** K-081, 1–255: upper bound of the threads that read and put. */
  readonly channels: number;
  readonly compression: Compression;
  /** K-110: no object becomes larger, in bytes; absent: the usual. */
  readonly resumeBufferBytes?: number | undefined;
  /** A page that fails its checksum but has an LSN at or after this one was being written: the log repairs it. */
  readonly beginLsn: Lsn;
  readonly pageBytes: number;
  /** Pieces that earlier attempts of the same set had acknowledged: what they hold is not sent again. */
  readonly acknowledged: readonly AcknowledgedPiece[];
  /** Of the set that an incremental builds on; absent: a full. */
  readonly base?: BaseFiles;
  /** Called once per piece after the pool holds it durably; the caller journals it with fsync before it returns. */
  onAcknowledged(piece: AcknowledgedPiece): void;
}

/** A page that failed its checksum but was being written, by its LSN: right exactly when that LSN is at most the end LSN. */
export interface TornPage extends DamagedPage {
  readonly lsn: Lsn;
}

/** Everything the metadata of the set says about files, frames and pieces. */
export interface CopyResult {
  readonly pieces: readonly PieceOfSet[];
  readonly frames: readonly FrameOfSet[];
  /** Made anew each time they are looked at, one after the other. Throws what says that a copy has a hole. */
  readonly members: Iterable<FileOfSet>;
  readonly fileCount: number;
  /** Of all files together. */
  readonly rawBytes: number;
  readonly damagedPages: readonly DamagedPage[];
  /** Paths of files that vanished and are left out. */
  readonly vanished: readonly string[];
  readonly bytesRead: number;
  /** Stored bytes that this attempt gave to the pool. */
  readonly bytesSent: number;
  /** Raw bytes that pieces of earlier attempts already held. */
  readonly bytesReused: number;
  /** Raw bytes that are the base's. */
  readonly bytesOfBase: number;
}

/** A copy in progress: files, then what is decided late, then the end. Every call after a failure fails with its cause. */
export interface CopySession {
  /** Resolves when every file has been read; the last pieces may still be open. */
  copy(files: readonly SourceFile[]): Promise<void>;
  /** Takes files from frames of other sets of the pool. For a session of its own, without `copy`. */
  carry(carrying: Carrying): Promise<void>;
  /** Adds a member of at most 64 MiB whose bytes the caller holds, e.g. backup_label; with `isGivenAway` they are its own memory and the caller's no more. */
  add(member: {
    readonly path: string;
    readonly mode: number;
    readonly mtimeMs: number;
    readonly bytes: Uint8Array;
    readonly isGivenAway?: boolean;
  }): Promise<void>;
  /**
   * Puts the last pieces, begins to stop the threads and tells what there is. With `endLsn`, torn pages whose LSN lies beyond it
   * count as damaged: no log repairs them.
   */
  finish(end: { readonly endLsn?: Lsn }): Promise<CopyResult>;
  /** Stops the threads without putting what is open; fine after `finish` and twice. */
  close(): Promise<void>;
}
