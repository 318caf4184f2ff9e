import { randomBytes } from 'node:crypto';
import { lstatSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { hash128, openFrame, sha256Hex } from '#agent/codec/frame.ts';
import { createPool } from '#agent/pools/open-pool.ts';
import type { SetKeys } from '#agent/sets/set-keys.ts';
import { frameLockOf } from '#agent/sets/set-keys.ts';
import type { AcknowledgedPiece, CopyRequest, CopyResult, SourceFile } from '#agent/copy/copy-request.ts';
import { openCopy } from '#agent/copy/open-copy.ts';
import { bug } from '#core/errors/fail.ts';
import { pieceKey } from '#core/format/object-key.ts';
import { formatId } from '#core/id.ts';
import type { PoolAccess } from '#core/pool/pool-access.ts';
import type { StepContext } from '#core/ports/step.ts';
import type { Progress } from '#core/run/progress.ts';
import { parseLsn } from '#core/wal/lsn.ts';
import { openFolder } from './folder.ts';

/** A local pool and a set in it, to copy into without a database session. */
export interface CopyFixture {
  readonly folder: string;
  readonly pool: PoolAccess;
  readonly set: SetKeys;
  /** Pieces acknowledged so far, in order, over all attempts. */
  readonly acknowledged: AcknowledgedPiece[];
  readonly reports: Progress[];
  readonly request: (changes?: Partial<CopyRequest>) => CopyRequest;
  readonly step: (changes?: Partial<StepContext>) => StepContext;
  /** Copies files in one attempt. */
  readonly copy: (files: readonly SourceFile[], changes?: Partial<CopyRequest>) => Promise<CopyResult>;
  /** The bytes of a member as a restore would read them: every hash is checked. */
  readonly read: (result: CopyResult, path: string) => Buffer;
  readonly close: () => void;
}

const newId = <P extends Parameters<typeof formatId>[0]>(prefix: P) => formatId(prefix, Date.now(), randomBytes(10));

/** Opens a new pool in a folder of its own; encrypted pieces with `isEncrypted`. */
export async function openCopyFixture({ isEncrypted = false } = {}): Promise<CopyFixture> {
  const scratch = openFolder('hf-copy-');
  const folder = scratch.path;
  const place = { kind: 'local', directory: join(folder, 'pool') } as const;
  const pool: PoolAccess = { poolId: newId('pool'), name: 'test pool', place, secrets: {} };
  await createPool(pool, { nowMs: () => Date.now() });
  const dataKey = isEncrypted ? { dataKey: new Uint8Array(randomBytes(32)) } : {};
  const set: SetKeys = { poolId: pool.poolId, setId: newId('set'), ...dataKey };
  const acknowledged: AcknowledgedPiece[] = [];
  const reports: Progress[] = [];
  const fixture: CopyFixture = {
    ...{ folder, pool, set, acknowledged, reports },
    request: (changes = {}): CopyRequest => ({
      ...{ pool, set, attemptId: newId('try'), channels: 2, compression: { mode: 'fast' } },
      ...{ beginLsn: parseLsn('0/1'), pageBytes: 8192, acknowledged: [...acknowledged] },
      onAcknowledged: (piece) => void acknowledged.push(piece),
      ...changes,
    }),
    step: (changes = {}) => ({
      runId: newId('run'),
      signal: new AbortController().signal,
      report: (progress) => void reports.push(progress),
      log: () => undefined,
      limits: () => ({}),
      ...changes,
    }),
    async copy(files, changes) {
      const session = await openCopy(fixture.request(changes), fixture.step());
      try {
        await session.copy(files);
        return await session.finish({});
      } finally {
        await session.close();
      }
    },
    read: (result, path) => readMember(fixture, result, path),
    close: () => {
      scratch.remove();
    },
  };
  return fixture;
}

/** Pieces are read once per member: a test compares hundreds of them. */
let lastPiece = { path: '', bytes: Buffer.alloc(0) };
function readPiece(path: string): Buffer {
  if (lastPiece.path !== path) lastPiece = { path, bytes: readFileSync(path) };
  return lastPiece.bytes;
}

/** Many extents share a frame. */
let lastFrame: { readonly name: string; readonly raw: Uint8Array } = { name: '', raw: new Uint8Array() };

function readFrame(fixture: CopyFixture, result: CopyResult, index: number): Uint8Array {
  const frame = result.frames[index];
  const piece = result.pieces[frame?.pieceIndex ?? -1];
  if (frame === undefined || piece === undefined || fixture.pool.place.kind !== 'local') throw bug('no such frame');
  const key = pieceKey(fixture.set.setId, piece.attempt, piece.piece);
  const name = `${fixture.folder} ${key} ${String(frame.offset)}`;
  if (lastFrame.name === name) return lastFrame.raw;
  const bytes = readPiece(join(fixture.pool.place.directory, key));
  const stored = bytes.subarray(frame.offset, frame.offset + frame.storedBytes);
  if (bytes.length !== piece.storedBytes || sha256Hex(stored) !== frame.sha256) throw bug(`${key} is damaged`);
  lastFrame = { name, raw: openFrame(stored, frameLockOf(fixture.set, piece.attempt, key, frame.offset)) };
  return lastFrame.raw;
}

function readMember(fixture: CopyFixture, result: CopyResult, path: string): Buffer {
  const member = [...result.members].find((candidate) => candidate.path === path);
  if (member === undefined) throw bug(`${path} is no member`);
  const parts = member.extents.map(({ frame, offset, length, hash }) => {
    if (frame < 0) return Buffer.alloc(length);
    const raw = readFrame(fixture, result, frame).subarray(offset, offset + length);
    if (hash128(raw) !== hash) throw bug(`${path} has other bytes than its hash says`);
    return raw;
  });
  const bytes = Buffer.concat(parts);
  if (bytes.length !== member.sizeBytes) throw bug(`${path} has another length`);
  return bytes;
}

/** A source file as a scan would describe it; `firstBlock` turns page checks on. */
export function sourceFile(root: string, path: string, firstBlock?: number): SourceFile {
  const absolute = join(root, path);
  const { size, mode, mtimeMs } = lstatSync(absolute);
  const pages = firstBlock === undefined ? undefined : { firstBlock };
  return { path, absolute, sizeBytes: size, mode: mode & 0o7777, mtimeMs, pages, mustExist: false };
}

/** Every file below a closed data directory, page checks on for relation forks. */
export function sourceFiles(root: string): SourceFile[] {
  const relation = /(?:^|\/)(?:base\/\d+|global)\/\d+(?:_(?:fsm|vm|init))?(?:\.(\d+))?$/;
  return readdirSync(root, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => {
      const path = join(entry.parentPath, entry.name).slice(root.length + 1);
      const match = relation.exec(path);
      return sourceFile(root, path, match === null ? undefined : Number(match[1] ?? 0) * 131_072);
    });
}
