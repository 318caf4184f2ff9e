import { engineProfile } from '#core/engine/profiles.ts';
import { fail } from '#core/errors/fail.ts';
import type { SetMeta } from '#core/format/meta.ts';
import { directoryAbove } from '#core/plain-path.ts';
import type { PoolAccess } from '#core/pool/pool-access.ts';
import type { StepContext } from '#core/ports/step.ts';
import type { Warning } from '#core/run/progress.ts';
import type { ManifestFile } from '#core/restore/backup-manifest.ts';
import { finishCrc } from '#core/restore/crc-sum.ts';
import type { RestoreWays } from '#core/restore/plan/ways.ts';
import { resumeBuffer } from '#core/run/resume-buffer.ts';
import { OutageWatch } from '#agent/copy/outage.ts';
import { applyRates, cell, newSharedCells } from '#agent/copy/threads/shared-control.ts';
import { tellThreads } from '#agent/copy/threads/started-threads.ts';
import { historyFilesOf } from '#agent/datadir/writer-aside.ts';
import type { EmptyTarget } from '#agent/datadir/writer.ts';
import { addSums } from '#agent/manifest/crc-tally.ts';
import type { SetChain } from '#agent/sets/open-chain.ts';
import type { Layout } from './write/lay-out.ts';
import { layOut } from './write/lay-out.ts';
import { endMessages, endOf, pieceMessages } from './write/layout-messages.ts';
import type { LostBase } from './write/open-readable-chain.ts';
import { rewriteTablespaceMap } from './place/tablespace-map.ts';
import { tellDamage } from './write/tell-damage.ts';
import type { FileEnd, ToWriter, WriteSettings, ZeroedSpan } from './write/write-message.ts';
import { WriteThreads } from './write/write-threads.ts';
import { storedBytesOf, zeroSpansOf } from './write/zero-spans.ts';

export interface SetRestore {
  /** The set, and those it builds on. */
  readonly chain: SetChain;
  /** Of a chain that ends in zeros because a base cannot be read. */
  readonly lost?: LostBase | undefined;
  readonly pool: PoolAccess;
  readonly target: EmptyTarget;
  /** K-106, 1–255: at most so many threads fetch and write, and at most 16. */
  readonly channels: number;
  /** True: configuration with an origin outside the data directory stays where it is. */
  readonly hasOutsideConfiguration: boolean;
  readonly step: StepContext;
  /** K-110; absent: the usual. */
  readonly resumeBufferBytes?: number | undefined;
  /** Delta, and whether damage is accepted; absent: neither. */
  readonly ways?: RestoreWays | undefined;
}

export interface RestoredSet {
  readonly bytesWritten: number;
  readonly filesWritten: number;
  /** Each file of the set as it was written, for the manifest. */
  readonly files: Iterable<ManifestFile>;
  readonly warnings: readonly Warning[];
}

/** More threads than this gain nothing: the pool and the disk are busy. Channels above it share them, and the run says so. */
const mostThreads = 16;
const reportEveryMs = 250;

/**
 * Writes every member of a set, with what it takes from its bases, but the control file into a target, each byte once, and makes the files durable; `finish` of the
 * target makes their names durable (design §5, §7).
 * Taken up after a kill, what has the recorded hash stays and the rest is written again.
 * Throws `object_damaged`, `object_missing`, `extent_damaged`, `target_unwritable`, `target_escapes`, `cancelled`.
 */
export async function restoreSet(request: SetRestore): Promise<RestoredSet> {
  const { chain, target, step } = request;
  const [set, ...bases] = chain;
  if (target.isResumed) target.unfinish();
  const newest = { meta: membersOf(request), keys: set.keys };
  const layout = layOut([newest, ...bases], { target, profile: engineProfile(set.meta.summary.engine) });
  if (target.isResumed) clearStrangers(target, layout, request.ways?.isDelta === true);
  for (const { path, mode } of layout.directories) target.makeDirectory(path, mode);
  makeParents(layout, target);
  target.linkTablespaces();
  const { files, writtenBytes, zeroed } = await writeFiles(request, layout);
  const lost = lostIn(request, layout);
  const damage = tellDamage([...zeroed, ...lost.spans], endsOf(layout), set.meta.summary.pageBytes);
  for (const message of damage.lines) step.log({ level: 'warn', message });
  await writeTablespaceMap(request);
  if (step.signal.aborted) throw fail('cancelled', { what: 'the restore' });
  return {
    bytesWritten: request.ways?.isDelta === true ? writtenBytes : layout.bytes,
    filesWritten: layout.files.length + 1,
    files,
    warnings: [...layout.warnings, ...lost.warnings, ...damage.warnings],
  };
}

/** What is zeros because a base cannot be read: files begin empty, so nothing needs to be written there. */
function lostIn(
  { lost, chain }: SetRestore,
  { files, pathOf }: Layout,
): { readonly spans: readonly ZeroedSpan[]; readonly warnings: readonly Warning[] } {
  if (lost === undefined) return { spans: [], warnings: [] };
  const why = `base ${lost.base} cannot be read: ${lost.why}`;
  const spans = files.flatMap((file) =>
    (lost.spans.get(file.path) ?? []).map(({ from, length }): ZeroedSpan => ({
      path: pathOf(file),
      at: from,
      length,
      why,
    })),
  );
  const bytes = spans.reduce((sum, { length }) => sum + length, 0);
  const count = new Set(spans.map(({ path }) => path)).size;
  const detail = `${String(bytes)} bytes of ${String(count)} files are zeros: ${why}. No server starts from this directory; what ${chain[0].keys.setId} holds itself is in it`;
  return { spans, warnings: [{ code: 'base_lost', detail }] };
}

function membersOf({ chain, hasOutsideConfiguration }: SetRestore): SetMeta {
  const { meta } = chain[0];
  if (!hasOutsideConfiguration) return meta;
  return {
    ...meta,
    members: meta.members.filter((member) => member.kind !== 'file' || member.origin === undefined),
  };
}

/**
 * Files with holes go too: a hole cannot be told from bytes that replay put there. A delta looks at what is in holes, and keeps the
 * history files of the old instance: the next promotion must not take a number that is taken.
 */
function clearStrangers(target: EmptyTarget, layout: Layout, isDelta: boolean): void {
  const stored = storedBytesOf(layout);
  const kept = isDelta ? layout.files : layout.files.filter(({ sizeBytes }, number) => stored[number] === sizeBytes);
  const wanted = new Set([...kept.map(layout.pathOf), ...layout.directories.map(({ path }) => path)]);
  const histories = isDelta ? historyFilesOf(target.directory) : [];
  for (const name of histories) wanted.add(target.pathOf(`${target.files.log}/${name}`));
  target.removeAllBut(wanted);
}

function settingsOf(request: SetRestore, layout: Layout): WriteSettings {
  const { pool, target, channels, step, ways, resumeBufferBytes: largestFetch = resumeBuffer.usual } = request;
  const threads = Math.max(1, Math.min(channels, mostThreads, Math.max(layout.shares.length, 1)));
  tellThreads(step, channels, threads);
  const { uid, gid } = target.owner;
  return {
    ...{ cells: newSharedCells(), pool, uid, gid, threads, largestFetch, reconnectMs: step.reconnectMs },
    fault: step.faults?.fault,
    isResumed: target.isResumed,
    isDelta: ways?.isDelta === true,
    isDamageAccepted: ways?.damageConsent !== undefined,
  };
}

/** Many files lie in one directory, one after the other. */
function makeParents({ files, pathOf }: Layout, target: EmptyTarget): void {
  let last: string | undefined;
  for (const file of files) {
    const parent = directoryAbove(file.path);
    if (parent === last) continue;
    last = parent;
    target.makeDirectory(directoryAbove(pathOf(file)));
  }
}

function* endsOf(layout: Layout): Generator<FileEnd> {
  for (const file of layout.files) yield endOf(layout, file);
}

/** Made as they are asked for, from the members of the set and one number for each. */
function manifestFilesOf({ files }: Layout, sums: Int32Array): Iterable<ManifestFile> {
  return {
    *[Symbol.iterator]() {
      for (const [number, { path, sizeBytes, mtimeMs }] of files.entries())
        yield { path, sizeBytes, mtimeMs, crc: finishCrc(sums[number] ?? 0, sizeBytes) };
    },
  };
}

interface WrittenFiles {
  readonly files: Iterable<ManifestFile>;
  readonly writtenBytes: number;
  readonly zeroed: readonly ZeroedSpan[];
}

async function writeFiles(request: SetRestore, layout: Layout): Promise<WrittenFiles> {
  const { pool, step } = request;
  const settings = settingsOf(request, layout);
  const { cells, isDelta } = settings;
  applyRates(cells, step.limits());
  const threads = new WriteThreads(settings, settings.threads);
  const onAbort = (): void => {
    threads.stop();
  };
  step.signal.addEventListener('abort', onAbort, { once: true });
  if (step.signal.aborted) onAbort();
  const done = { bytes: 0, files: 0, pieces: 0, writtenBytes: 0 };
  const placed = { sums: new Int32Array(layout.files.length), zeroed: new Array<ZeroedSpan>() };
  const outages = new OutageWatch(cells, step, pool.name);
  const report = (): void => {
    applyRates(cells, step.limits());
    outages.look();
    const bytesWritten = Number(Atomics.load(cells, cell.bytesRead));
    step.report({
      phase: 'write',
      bytesRead: done.bytes,
      bytesWritten,
      bytesTotal: layout.bytes,
      filesDone: done.files,
      filesTotal: layout.files.length,
      piecesDone: done.pieces,
    });
  };
  const timer = setInterval(report, reportEveryMs);
  try {
    await threads.run(messagesOf(layout, isDelta), ({ storedBytes, pieces, writtenBytes, sums, zeroed }) => {
      done.bytes += storedBytes;
      done.pieces += pieces;
      done.writtenBytes += writtenBytes;
      addSums(placed.sums, sums);
      placed.zeroed.push(...zeroed);
    });
    await threads.run(endMessages(layout), ({ files }) => {
      done.files += files;
    });
    report();
    return { files: manifestFilesOf(layout, placed.sums), writtenBytes: done.writtenBytes, zeroed: placed.zeroed };
  } finally {
    clearInterval(timer);
    step.signal.removeEventListener('abort', onAbort);
    await threads.close();
  }
}

const spansAtOnce = 256;

function* messagesOf(layout: Layout, isDelta: boolean): Generator<ToWriter> {
  yield* pieceMessages(layout);
  if (isDelta) yield* zeroTasks(layout);
}

function zeroTasks(layout: Layout): readonly ToWriter[] {
  const spans = zeroSpansOf(layout);
  return Array.from({ length: Math.ceil(spans.length / spansAtOnce) }, (_, i) => ({
    kind: 'zeros',
    spans: spans.slice(i * spansAtOnce, (i + 1) * spansAtOnce),
  }));
}

/** The server makes the tablespace links from this file: it must name the new places, else it would use the original ones. */
async function writeTablespaceMap({ chain: [set], target }: SetRestore): Promise<void> {
  const name = 'tablespace_map';
  if (!set.meta.members.some((member) => member.path === name)) return;
  const found = Buffer.from(await set.readMember(name)).toString('utf8');
  target.writeFile(name, rewriteTablespaceMap(found, target.tablespaces));
}
