import { cpSync, existsSync, mkdirSync, readFileSync, readdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { BlockReferences } from '#core/changed/block-references.ts';
import { engineProfile } from '#core/engine/profiles.ts';
import { bug } from '#core/errors/fail.ts';
import { HoldfastError } from '#core/errors/holdfast-error.ts';
import { formatId, parseId } from '#core/id.ts';
import type { SetId } from '#core/id.ts';
import { instantFromMs } from '#core/instant.ts';
import { branchPrefix, parseObjectKey } from '#core/format/object-key.ts';
import type { BatchSummary } from '#core/log/batch-summary.ts';
import { parseLsn } from '#core/wal/lsn.ts';
import { parseSegmentName } from '#core/wal/segment-name.ts';
import { putMark, readMarks } from '#agent/care/marks.ts';
import { putTruncation, readTruncations } from '#agent/care/truncation.ts';
import type { EmptyTarget } from '#agent/datadir/writer.ts';
import { prepareTarget } from '#agent/datadir/writer.ts';
import type { Pool } from '#agent/pools/open-pool.ts';
import { createPool, openPool } from '#agent/pools/open-pool.ts';
import { restoreSet } from '#agent/restore/restore-set.ts';
import { getLogSegment, getReferences, putLogSegment, sealBatch, sealReferences } from '#agent/sets/log-objects.ts';
import type { SetChain } from '#agent/sets/open-chain.ts';
import { openChain } from '#agent/sets/open-chain.ts';
import { verifySet } from '#agent/sets/verify-set.ts';
import { lookAtBatch } from '#agent/verify/look-at-batch.ts';
import { readBatches } from '#agent/wal/committed-log.ts';
import { localAccess, quietStep } from '../repositories/pools.ts';
import { lastFiles, lastIds, makeTinyChain, middleFiles, middleIds } from '../repositories/tiny-chain.ts';
import { fixedId, tinyFiles, tinyIds, tinyLog, tinyLogContent, tinySummary } from '../repositories/tiny-set.ts';
import { openFolder } from './folder.ts';

const owner = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
const { files } = engineProfile('postgresql');
const filesOfSet: Readonly<Record<string, Readonly<Record<string, Buffer>>>> = {
  [tinyIds.setId]: tinyFiles,
  [middleIds.setId]: middleFiles,
  [lastIds.setId]: lastFiles,
};

/** A part of an object in which harm can be done. */
export interface Region {
  readonly object: string;
  /** Kind of object and of part, e.g. `piece payload`. */
  readonly kind: string;
  readonly from: number;
  readonly length: number;
}

/** How damage of an object showed. */
export interface Shown {
  /** What found it when it was looked for; '' when nothing did. */
  readonly byVerify: string;
  /** Error of whoever needs the object to restore; '' when it got, byte for byte, what was backed up. */
  readonly byRestore: string;
}

/**
 * A pool with a chain of three sets, log, block references, marks and a truncation note, in which objects are harmed one
 * after the other; each is looked at by a verification and used by a restore, and is whole again afterwards.
 */
export class HarmStage {
  readonly name: string;
  readonly regions: readonly Region[];
  readonly #folder: ReturnType<typeof openFolder>;
  readonly #directory: string;
  readonly #pool: Pool;
  readonly #batch: BatchSummary;
  readonly #isEncrypted: boolean;
  #restores = 0;

  private constructor(parts: {
    readonly name: string;
    readonly folder: ReturnType<typeof openFolder>;
    readonly pool: Pool;
    readonly batch: BatchSummary;
    readonly isEncrypted: boolean;
  }) {
    this.name = parts.name;
    this.#folder = parts.folder;
    this.#directory = join(parts.folder.path, 'pool');
    this.#pool = parts.pool;
    this.#batch = parts.batch;
    this.#isEncrypted = parts.isEncrypted;
    this.regions = regionsBelow(this.#directory, parts.isEncrypted);
  }

  static async open(isEncrypted: boolean, level: number): Promise<HarmStage> {
    const folder = openFolder('hf-harm-');
    const access = localAccess(join(folder.path, 'pool'), isEncrypted);
    await createPool(access, { nowMs: () => 1_790_000_000_000 });
    const pool = await openPool(access);
    await makeTinyChain(pool, level);
    const batch = await makeLog(pool);
    const name = `${isEncrypted ? 'encrypted' : 'plain'}, ${level === 0 ? 'not compressed' : 'zstd'}`;
    return new HarmStage({ name, folder, pool, batch, isEncrypted });
  }

  async close(): Promise<void> {
    await this.#pool.close();
    this.#folder.remove();
  }

  /** Harms an object, looks at it in both ways, and puts it back. */
  async look(object: string, harm: (path: string) => void): Promise<Shown> {
    const path = join(this.#directory, object);
    const good = readFileSync(path);
    harm(path);
    try {
      return { byVerify: await this.#verify(object), byRestore: await codeOf(() => this.#use(object)) };
    } finally {
      writeFileSync(path, good);
    }
  }

  /** Path of an object in the pool. */
  pathOf = (object: string): string => join(this.#directory, object);

  async #verify(object: string): Promise<string> {
    const set = setOf(object);
    if (object === 'holdfast.json') return codeOf(() => this.#openAgain());
    if (object.startsWith('marks/log/')) return this.#verifyNote();
    if (object.startsWith('marks/')) return (await readMarks(this.#pool, tinyIds.setId)).unreadable[0]?.code ?? '';
    const { damage, warnings = [] } =
      set === undefined
        ? await lookAtBatch(this.#pool, this.#batch, quietStep)
        : await verifySet(this.#pool, set, 'full', quietStep);
    return damage[0]?.what ?? warnings[0]?.detail ?? '';
  }

  async #verifyNote(): Promise<string> {
    const told: string[] = [];
    await readTruncations(this.#pool, tinyLog, ({ code }) => told.push(code));
    return told[0] ?? '';
  }

  /** What a restore, or who prepares one, does with an object. */
  async #use(object: string): Promise<void> {
    const set = setOf(object);
    if (set !== undefined) return this.#restore(set);
    if (object === 'holdfast.json') return this.#openAgain();
    if (object.startsWith('marks/')) {
      const code = await this.#verify(object);
      if (code !== '') throw bug(code);
      return;
    }
    if (object.includes('/batches/')) return this.#rebuild();
    if (object.includes('/references/')) return this.#readReferences();
    const [segment] = this.#batch.segments;
    const raw = await getLogSegment(this.#pool, parseObjectKey(object), segment?.rawSha256 ?? '');
    expect(Buffer.compare(raw, tinyLogContent)).toBe(0);
  }

  async #openAgain(): Promise<void> {
    await (await openPool(localAccess(this.#directory, this.#isEncrypted))).close();
  }

  async #readReferences(): Promise<void> {
    const { references } = this.#batch;
    if (references === undefined) throw bug('the batch of the stage has references');
    await getReferences(this.#pool, this.#batch, references);
  }

  async #rebuild(): Promise<void> {
    const told: HoldfastError[] = [];
    const found: BatchSummary[] = [];
    for await (const batch of readBatches(this.#pool, (problem) => told.push(problem))) found.push(batch);
    if (told[0] !== undefined) throw told[0];
    expect(found).toHaveLength(1);
  }

  /** Restores a set. Whatever became of it, no byte that it wrote may be another than was backed up. */
  async #restore(setId: SetId): Promise<void> {
    const wanted = filesOfSet[setId] ?? {};
    const directory = join(this.#folder.path, `restored-${String(++this.#restores)}`);
    const space = `${directory}-space`;
    mkdirSync(space, { recursive: true, mode: 0o700 });
    try {
      const target = prepareTarget({
        ...{ directory, tablespaces: { '16400': space }, runId: `run-${String(this.#restores)}` },
        ...{ owner, bytes: {}, files },
      });
      await this.#write(target, setId);
      for (const path of Object.keys(wanted))
        if (path !== 'global/pg_control') expect(existsSync(join(directory, path)), path).toBe(true);
    } finally {
      if (existsSync(directory)) demandNothingWrong(directory, wanted);
      rmSync(directory, { recursive: true, force: true });
      rmSync(space, { recursive: true, force: true });
    }
  }

  async #write(target: EmptyTarget, setId: SetId): Promise<void> {
    const [newest, ...bases] = await openChain(this.#pool, setId);
    // The tiny set has a directory where a real one has a link.
    const members = newest.meta.members.filter(({ path }) => path !== 'pg_tblspc/16400');
    const chain: SetChain = [{ ...newest, meta: { ...newest.meta, members } }, ...bases];
    const access = localAccess(this.#directory, this.#isEncrypted);
    await restoreSet({ chain, pool: access, target, channels: 1, hasOutsideConfiguration: false, step: quietStep });
    // The control file comes last, and from memory.
    const control = await newest.readMember('global/pg_control');
    expect(Buffer.compare(control, filesOfSet[setId]?.['global/pg_control'] ?? Buffer.alloc(0))).toBe(0);
  }
}

const setOf = (object: string): SetId | undefined => {
  const [, id] = /^sets\/(set_[0-9a-f]{32})\//.exec(object) ?? [];
  return id === undefined ? undefined : parseId('set', id);
};

async function codeOf(step: () => Promise<void>): Promise<string> {
  try {
    await step();
    return '';
  } catch (error) {
    if (error instanceof HoldfastError) return error.code === 'bug' ? error.message : error.code;
    throw error;
  }
}

/** A byte of a restored file is what was backed up, or not written yet. */
function demandNothingWrong(directory: string, wanted: Readonly<Record<string, Buffer>>): void {
  for (const entry of readdirSync(directory, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    const name = path.slice(directory.length + 1);
    const right = wanted[name];
    if (right === undefined) continue;
    const there = readFileSync(path);
    for (let at = 0; at < there.length; at++)
      if (there[at] !== 0 && there[at] !== right[at]) throw bug(`a wrong byte was written to ${name} at ${String(at)}`);
  }
}

/** One segment with block references in one batch, a mark and a truncation note. */
async function makeLog(pool: Pool): Promise<BatchSummary> {
  const put = await putLogSegment(pool, tinyLog, tinyLogContent);
  const [from, to] = [parseLsn('0/300000'), parseLsn('0/400000')];
  const { rawSha256, storedSha256, storedBytes } = put;
  const bytes = { rawSha256, storedSha256, rawBytes: tinyLogContent.length, storedBytes };
  const segment = {
    name: parseSegmentName(tinyLog.name),
    object: tinyLog.name,
    from,
    to,
    lastRecord: from,
    restorePoints: [],
    ...bytes,
  };
  const head = {
    ...{ batchId: fixedId('batch', 5), runId: fixedId('run', 6), resourceId: tinyIds.resourceId },
    ...{ systemId: tinyLog.systemId, timeline: 1, branchId: tinyLog.branchId, history: '', from, to },
    ...{ segmentBytes: tinySummary.segmentBytes, coveredUntil: instantFromMs(1_790_000_002_000), segments: [segment] },
    ...{ previousSha256: '', isAfterGap: false },
  };
  const references = new BlockReferences();
  const sealed = sealReferences(pool, head, { from, to, references });
  await pool.store.putIfAbsent(sealed.key, sealed.stored);
  const object = sealed.key.slice(branchPrefix(tinyLog.systemId, tinyLog.branchId).length);
  const named = { object, from, to, storedSha256: sealed.storedSha256, storedBytes: sealed.stored.length };
  const batch: BatchSummary = { ...head, references: named };
  const commit = sealBatch(pool, batch);
  await pool.store.putIfAbsent(commit.key, commit.stored);
  const at = instantFromMs(1_790_000_003_000);
  await putMark(pool, {
    markId: formatId('mark', 1_790_000_003_000, new Uint8Array(10).fill(7)),
    setId: tinyIds.setId,
    kind: 'label',
    at,
    by: 'test',
    text: 'kept',
  });
  await putTruncation(pool, {
    ...{
      noteId: fixedId('mark', 8),
      systemId: tinyLog.systemId,
      branchId: tinyLog.branchId,
      runId: fixedId('run', 6),
      at,
    },
    ...{ links: [], ranges: [] },
  });
  await pool.store.barrier();
  return batch;
}

const headerBytes = 24;
const frameHeaderBytes = 28;
const tagBytes = 16;
const digestBytes = 32;

/** Where harm may be done: every byte of every object belongs to one region. */
function regionsBelow(directory: string, isEncrypted: boolean): readonly Region[] {
  const objects = readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(directory.length + 1));
  return objects.flatMap((object) => {
    const bytes = readFileSync(join(directory, object));
    if (object === 'holdfast.json') return [{ object, kind: 'pool file', from: 0, length: bytes.length }];
    const what = kindOf(object);
    if (what === 'piece') return framesOf(object, bytes, { what, from: 0, end: bytes.length, hasTag: isEncrypted });
    const end = bytes.length - digestBytes;
    return [
      { object, kind: `${what} header`, from: 0, length: headerBytes },
      ...framesOf(object, bytes, { what, from: headerBytes, end, hasTag: isEncrypted && what !== 'start' }),
      { object, kind: `${what} trailer`, from: end, length: digestBytes },
    ];
  });
}

function kindOf(object: string): string {
  if (object.startsWith('marks/log/')) return 'truncation note';
  if (object.startsWith('marks/')) return 'mark';
  if (object.includes('/batches/')) return 'batch';
  if (object.includes('/references/')) return 'references';
  if (object.startsWith('logs/')) return 'segment';
  return object.endsWith('.bak') ? 'piece' : (object.split('/').pop() ?? '');
}

interface Frames {
  readonly what: string;
  readonly from: number;
  readonly end: number;
  readonly hasTag: boolean;
}

function framesOf(object: string, bytes: Buffer, { what, from, end, hasTag }: Frames): Region[] {
  const regions: Region[] = [];
  for (let at = from; at < end;) {
    const payload = bytes.readUInt32LE(at + 24);
    const tag = hasTag ? tagBytes : 0;
    regions.push({ object, kind: `${what} frame header`, from: at, length: frameHeaderBytes });
    const begin = at + frameHeaderBytes;
    if (payload > tag) regions.push({ object, kind: `${what} payload`, from: begin, length: payload - tag });
    if (hasTag) regions.push({ object, kind: `${what} tag`, from: begin + payload - tag, length: tag });
    at = begin + payload;
  }
  return regions;
}

/** Ways to harm an object; `at` and `bit` say where, `other` is an object of the same kind to be put in its place. */
export const harms = {
  flip: (at: number, bit: number) => (path: string) => {
    const bytes = readFileSync(path);
    bytes[at] = (bytes[at] ?? 0) ^ (1 << bit);
    writeFileSync(path, bytes);
  },
  cut: (at: number) => (path: string) => {
    truncateSync(path, at);
  },
  remove: () => (path: string) => {
    rmSync(path);
  },
  exchange: (other: string) => (path: string) => {
    cpSync(other, path);
  },
} as const;
