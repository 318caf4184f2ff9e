import { formatId } from '#core/id.ts';
import type { AttemptId, IdByPrefix, IdPrefix } from '#core/id.ts';
import type { SetSummary } from '#core/backup/set-summary.ts';
import { pieceKey } from '#core/format/object-key.ts';
import type { Extent, FrameOfSet, MemberOfSet, PieceOfSet, SetMeta } from '#core/format/meta.ts';
import { baseFrame } from '#core/format/meta.ts';
import type { BatchSummary } from '#core/log/batch-summary.ts';
import { instantFromMs } from '#core/instant.ts';
import { parseLsn } from '#core/wal/lsn.ts';
import { parseSegmentName } from '#core/wal/segment-name.ts';
import { branchIdOf } from '#agent/codec/hash.ts';
import { hash128, sealFrame, sha256Hex } from '#agent/codec/frame.ts';
import type { Pool } from '#agent/pools/open-pool.ts';
import { beginSet } from '#agent/sets/begin-set.ts';
import { commitBackupSet } from '#agent/sets/commit-backup-set.ts';
import { putLogSegment, sealBatch } from '#agent/sets/log-objects.ts';
import type { SetKeys } from '#agent/sets/set-keys.ts';
import { frameLockOf } from '#agent/sets/set-keys.ts';

/** Ids that are the same in every run, so that golden repositories can be compared. */
export const fixedId = <P extends IdPrefix>(prefix: P, n: number): IdByPrefix[P] => formatId(prefix, 1_790_000_000_000 + n, new Uint8Array(10).fill(n));

export const tinyIds = { setId: fixedId('set', 1), runId: fixedId('run', 2), attemptId: fixedId('try', 3), resourceId: fixedId('res', 4) };

const segmentBytes = 1024 * 1024;

/** Content of the set: a little of everything that a reader must restore. */
export const tinyFiles: Readonly<Record<string, Buffer>> = {
  PG_VERSION: Buffer.from('18\n'),
  backup_label: Buffer.from('START WAL LOCATION: 0/200028 (file 000000010000000000000002)\n'),
  'base/5/1259': Buffer.concat([Buffer.from('page one '.repeat(900)), Buffer.alloc(16384), Buffer.from('page four '.repeat(800))]),
  'base/5/empty': Buffer.alloc(0),
  'base/5/zeros': Buffer.alloc(40_000),
  'pg_tblspc/16400/PG_18_202506291/5/16401': Buffer.from('a table in a tablespace '.repeat(700)),
  'pg_wal/000000010000000000000002': Buffer.concat([Buffer.from('log '.repeat(5000)), Buffer.alloc(segmentBytes - 20_000)]),
  'global/pg_control': Buffer.from('control '.repeat(1024)),
};

const tinyDirectories = ['base', 'base/5', 'global', 'pg_wal', 'pg_tblspc', 'pg_tblspc/16400', 'pg_tblspc/16400/PG_18_202506291', 'pg_tblspc/16400/PG_18_202506291/5', 'pg_notify'];

export const tinySummary: SetSummary = {
  ...tinyIds,
  type: 'full',
  engine: 'postgresql',
  serverVersion: 180004,
  systemId: '7500000000000000001',
  timeline: 1,
  branchId: branchIdOf(''),
  beginLsn: parseLsn('0/200028'),
  endLsn: parseLsn('0/200158'),
  backupEndLsn: parseLsn('0/200158'),
  beginSegment: parseSegmentName('000000010000000000000002'),
  endSegment: parseSegmentName('000000010000000000000002'),
  beganAt: instantFromMs(1_790_000_000_000),
  endedAt: instantFromMs(1_790_000_001_000),
  isConsistent: true,
  hasChecksums: true,
  pageBytes: 8192,
  segmentBytes,
  tablespaces: [{ oid: 16400, path: '/srv/space' }],
  fileCount: 0,
  rawBytes: 0,
  storedBytes: 0,
  pieceCount: 0,
  isEncrypted: false,
  warnings: [],
  toolVersion: '0.1.0',
};

interface Draft {
  readonly pieces: { readonly piece: PieceOfSet; readonly bytes: Uint8Array }[];
  readonly frames: FrameOfSet[];
}

export const tinyLink = { path: 'log', target: '/var/log/postgresql' };
export const tinyDamage = [{ path: 'base/5/1259', block: 1 }];

/** What a file consists of: bytes that the set stores, and runs of bytes of its base. */
export type Recipe = readonly (Buffer | { readonly base: number })[];

/** Each file becomes extents of at most 64 KiB, each extent one frame, every five frames one piece. */
function sealFiles(
  keys: SetKeys,
  attemptId: AttemptId,
  files: Readonly<Record<string, Recipe>>,
  level: number,
): Draft & { readonly members: MemberOfSet[] } {
  const draft: Draft = { pieces: [], frames: [] };
  let parts: Uint8Array[] = [];
  let offset = 0;
  const close = (): void => {
    if (parts.length === 0) return;
    const bytes = Buffer.concat(parts);
    draft.pieces.push({ piece: { piece: draft.pieces.length + 1, attempt: attemptId, storedBytes: bytes.length }, bytes });
    parts = [];
    offset = 0;
  };
  const seal = (raw: Uint8Array): number => {
    const object = pieceKey(keys.setId, attemptId, draft.pieces.length + 1);
    const counter = draft.frames.length;
    const stored = sealFrame(raw, { ...frameLockOf(keys, attemptId, object, offset), level, channel: 1, counter });
    draft.frames.push({ pieceIndex: draft.pieces.length, offset, storedBytes: stored.length, rawBytes: raw.length, sha256: sha256Hex(stored) });
    parts.push(stored);
    offset += stored.length;
    if (parts.length === 5) close();
    return counter;
  };
  const extentsOfBytes = (content: Buffer): Extent[] => {
    const extents: Extent[] = [];
    for (let at = 0; at < content.length; at += 65536) {
      const raw = content.subarray(at, at + 65536);
      const isZero = raw.every((byte) => byte === 0);
      extents.push(isZero ? { frame: -1, offset: 0, length: raw.length, hash: '' } : { frame: seal(raw), offset: 0, length: raw.length, hash: hash128(raw) });
    }
    return extents;
  };
  const extentsOf = (recipe: Recipe): Extent[] =>
    recipe.flatMap((part) => ('base' in part ? [{ frame: baseFrame, offset: 0, length: part.base, hash: '' }] : extentsOfBytes(part)));
  const members: MemberOfSet[] = tinyDirectories.map((path) => ({ kind: 'directory', path, mode: 0o700 }));
  members.push({ kind: 'symlink', ...tinyLink });
  for (const [path, recipe] of Object.entries(files)) {
    const sizeBytes = recipe.reduce((sum, part) => sum + ('base' in part ? part.base : part.length), 0);
    members.push({ kind: 'file', path, mode: 0o600, sizeBytes, mtimeMs: 1_790_000_000_000, extents: extentsOf(recipe) });
  }
  close();
  return { ...draft, members };
}

/** Puts the pieces of a set and returns what a commit of it needs. */
export async function putPieces(pool: Pool, summary: SetSummary, files: Readonly<Record<string, Recipe>>, level = 3): Promise<{ readonly keys: SetKeys; readonly meta: SetMeta }> {
  const keys = await beginSet(pool, summary);
  const { pieces, frames, members } = sealFiles(keys, summary.attemptId, files, level);
  for (const { piece, bytes } of pieces) await pool.store.putIfAbsent(pieceKey(keys.setId, piece.attempt, piece.piece), bytes);
  return { keys, meta: { summary, pieces: pieces.map(({ piece }) => piece), frames, members, damagedPages: tinyDamage } };
}

/** Puts the pieces of the tiny set and returns what a commit of it needs. */
export const putTinyPieces = (pool: Pool, level?: number): ReturnType<typeof putPieces> =>
  putPieces(pool, tinySummary, Object.fromEntries(Object.entries(tinyFiles).map(([path, content]) => [path, [content]])), level);

/** A complete committed set of a few kilobytes. */
export async function makeTinySet(pool: Pool, level?: number): Promise<SetSummary> {
  const { keys, meta } = await putTinyPieces(pool, level);
  return commitBackupSet(pool, keys, meta);
}

export const tinyLog = { systemId: tinySummary.systemId, branchId: tinySummary.branchId, name: '000000010000000000000003' };
export const tinyLogContent = Buffer.concat([Buffer.from('records '.repeat(3000)), Buffer.alloc(segmentBytes - 24_000)]);

/** One committed batch with one segment, as a log run leaves it. */
export async function makeTinyLog(pool: Pool): Promise<BatchSummary> {
  const put = await putLogSegment(pool, tinyLog, tinyLogContent);
  const [from, to] = [parseLsn('0/300000'), parseLsn('0/400000')];
  const { key, rawSha256, storedSha256, storedBytes } = put;
  const segment = { name: parseSegmentName(tinyLog.name), object: tinyLog.name, from, to, lastRecord: from, rawSha256, storedSha256, rawBytes: segmentBytes, storedBytes, restorePoints: [] };
  const ids = { batchId: fixedId('batch', 5), runId: fixedId('run', 6), resourceId: tinyIds.resourceId };
  const place = { systemId: tinyLog.systemId, timeline: 1, branchId: tinyLog.branchId, history: '', segmentBytes, from, to };
  const batch: BatchSummary = { ...ids, ...place, coveredUntil: instantFromMs(1_790_000_002_000), segments: [segment], previousSha256: '', isAfterGap: false };
  await pool.store.barrier([key]);
  const sealed = sealBatch(pool, batch);
  await pool.store.putIfAbsent(sealed.key, sealed.stored);
  await pool.store.barrier();
  return batch;
}

/** Every kind of line of `meta` (docs/format.md §5). */
export const memberKindsOfMeta = ['set', 'piece', 'frame', 'directory', 'symlink', 'file', 'damaged', 'end'] as const;
