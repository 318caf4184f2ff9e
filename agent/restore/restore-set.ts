import { engineProfile } from '#core/engine/profiles.ts';
import { fail } from '#core/errors/fail.ts';
import type { SetMeta } from '#core/format/meta.ts';
import type { PoolAccess } from '#core/pool/pool-access.ts';
import type { StepContext } from '#core/ports/step.ts';
import type { Warning } from '#core/run/progress.ts';
import { resumeBuffer } from '#core/run/resume-buffer.ts';
import { OutageWatch } from '#agent/copy/outage.ts';
import { applyRates, cell, newSharedCells } from '#agent/copy/shared-control.ts';
import type { EmptyTarget } from '#agent/datadir/writer.ts';
import type { SetChain } from '#agent/sets/open-chain.ts';
import type { Layout } from './lay-out.ts';
import { layOut } from './lay-out.ts';
import { rewriteTablespaceMap } from './tablespace-map.ts';
import type { FileEnd, ToWriter } from './write-message.ts';
import { bytesOfPart } from './write-message.ts';
import { WriteThreads } from './write-threads.ts';

export interface SetRestore {
  /** The set, and those it builds on. */
  readonly chain: SetChain;
  readonly pool: PoolAccess;
  readonly target: EmptyTarget;
  /** K-106, 1–255: upper bound of the threads that fetch and write. */
  readonly channels: number;
  /** True: configuration with an origin outside the data directory stays where it is. */
  readonly hasOutsideConfiguration: boolean;
  readonly step: StepContext;
  /** K-110; absent: the usual. */
  readonly resumeBufferBytes?: number | undefined;
}

export interface RestoredSet {
  readonly bytesWritten: number;
  readonly filesWritten: number;
  readonly warnings: readonly Warning[];
}

/** More threads than this gain nothing: the pool and the disk are busy. */
const mostThreads = 16;
const filesAtOnce = 64;
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
  if (target.isResumed) clearStrangers(target, layout);
  for (const { path, mode } of layout.directories) target.makeDirectory(path, mode);
  for (const { path } of layout.files) target.makeDirectory(path.slice(0, path.lastIndexOf('/')));
  target.linkTablespaces();
  await writeFiles(request, layout);
  await writeTablespaceMap(request);
  if (step.signal.aborted) throw fail('cancelled', { what: 'the restore' });
  return { bytesWritten: layout.bytes, filesWritten: layout.files.length + 1, warnings: layout.warnings };
}

function membersOf({ chain, hasOutsideConfiguration }: SetRestore): SetMeta {
  const { meta } = chain[0];
  if (!hasOutsideConfiguration) return meta;
  return {
    ...meta,
    members: meta.members.filter((member) => member.kind !== 'file' || member.origin === undefined),
  };
}

/** Files with holes go too: a hole cannot be told from bytes that replay put there. */
function clearStrangers(target: EmptyTarget, layout: Layout): void {
  const covered = new Map<string, number>();
  for (const piece of layout.pieces) {
    for (const part of piece.frames.flatMap((frame) => frame.parts))
      covered.set(part.path, (covered.get(part.path) ?? 0) + bytesOfPart(part));
  }
  const whole = layout.files.filter((file) => covered.get(file.path) === file.sizeBytes);
  target.removeAllBut(new Set([...whole, ...layout.directories].map(({ path }) => path)));
}

async function writeFiles(request: SetRestore, layout: Layout): Promise<void> {
  const { pool, target, channels, step, resumeBufferBytes: largestFetch = resumeBuffer.usual } = request;
  const cells = newSharedCells();
  const { uid, gid } = target.owner;
  const count = Math.max(1, Math.min(channels, mostThreads, Math.max(layout.pieces.length, 1)));
  applyRates(cells, step.limits());
  const { reconnectMs } = step;
  const { isResumed } = target;
  const settings = { cells, pool, uid, gid, isResumed, threads: count, largestFetch, reconnectMs };
  const threads = new WriteThreads(settings, count);
  const onAbort = (): void => {
    threads.stop();
  };
  step.signal.addEventListener('abort', onAbort, { once: true });
  if (step.signal.aborted) onAbort();
  const done = { bytes: 0, files: 0, pieces: 0 };
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
    await threads.run(
      layout.pieces.map((task) => ({ kind: 'piece', task }) satisfies ToWriter),
      ({ storedBytes, pieces }) => {
        done.bytes += storedBytes;
        done.pieces += pieces;
      },
    );
    await threads.run(inBatches(layout.files), ({ files }) => {
      done.files += files;
    });
    report();
  } finally {
    clearInterval(timer);
    step.signal.removeEventListener('abort', onAbort);
    await threads.close();
  }
}

/** Largest first: the disk is busiest with them. */
function inBatches(files: readonly FileEnd[]): readonly ToWriter[] {
  const sorted = [...files].sort((a, b) => b.sizeBytes - a.sizeBytes);
  const batches: ToWriter[] = [];
  for (let at = 0; at < sorted.length;) {
    const size = (sorted[at]?.sizeBytes ?? 0) > 16 * 1024 * 1024 ? 1 : filesAtOnce;
    batches.push({ kind: 'end', files: sorted.slice(at, at + size) });
    at += size;
  }
  return batches;
}

/** The server makes the tablespace links from this file: it must name the new places, else it would use the original ones. */
async function writeTablespaceMap({ chain: [set], target }: SetRestore): Promise<void> {
  const name = 'tablespace_map';
  if (!set.meta.members.some((member) => member.path === name)) return;
  const found = Buffer.from(await set.readMember(name)).toString('utf8');
  target.writeFile(name, rewriteTablespaceMap(found, target.tablespaces));
}
