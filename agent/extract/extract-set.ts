import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import type { OrderOf } from '#core/agent/order.ts';
import { findMembers } from '#core/contents/find-members.ts';
import { engineProfile } from '#core/engine/profiles.ts';
import { fail } from '#core/errors/fail.ts';
import { filesOf, neededExtents } from '#core/format/chain.ts';
import type { FileOfSet, SetMeta } from '#core/format/meta.ts';
import type { Clock } from '#core/ports/clock.ts';
import type { StepContext } from '#core/ports/step.ts';
import type { ExtractReport } from '#core/restore/report.ts';
import { noProgress } from '#core/run/progress.ts';
import { discardMarked } from '#agent/datadir/discard-marked.ts';
import { FileWriter } from '#agent/datadir/writer-files.ts';
import { refuseUsedGround } from '#agent/datadir/writer-ground.ts';
import { claimDirectory, isMarkedFor, releaseMarker } from '#agent/datadir/writer-marker.ts';
import { canonicalPath, isAbsent, placeMember, refuseNotEmpty } from '#agent/datadir/writer-paths.ts';
import { refuseTooLittleSpace } from '#agent/datadir/writer-space.ts';
import { openPoolOfStep } from '#agent/pools/pool-of-step.ts';
import { openChain } from '#agent/sets/open-chain.ts';
import type { SetChain } from '#agent/sets/open-chain.ts';
import { placeOfFrame } from '#agent/sets/open-set.ts';
import { extentBytes } from '#agent/sets/read-frame.ts';
import { namesOfSet } from './names-of-set.ts';

export interface ExtractDeps {
  readonly clock: Clock;
  /** Canonical directories in which instances of this host keep log. */
  readonly logDirectories: () => Promise<readonly string[]>;
}

type ExtractOrder = OrderOf<'extract-set'>;

/** Files named in the report; all of them are in the directory. */
const namedFiles = 100;
const ownerOfAgent = () => ({ uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 });

/**
 * Writes one file, or all segments and forks of one relation, of a set with what it takes from its bases into an empty directory of its
 * own, below their paths in the set. Every frame and extent is checked by its hash. Safe to call again. Throws `extract_nothing`, `extract_names_other`,
 * `target_not_empty`, `place_in_use`, `space_too_little`, `cancelled`, what the pool throws.
 */
export const extractSet =
  ({ clock, logDirectories }: ExtractDeps) =>
  async (order: ExtractOrder, step: StepContext): Promise<ExtractReport> => {
    const directory = canonicalPath(order.directory);
    const isBegun = !isAbsent(directory) && isMarkedFor(directory, order.runId);
    if (!isBegun) {
      refuseNotEmpty(directory);
      refuseUsedGround(directory, await logDirectories());
    }
    const pool = await openPoolOfStep(order.pool, step, clock);
    try {
      const chain = await openChain(pool, order.setId);
      const files = await meant(chain[0].meta, order);
      refuseTooLittleSpace([{ path: directory, bytes: files.reduce((sum, file) => sum + file.sizeBytes, 0) }]);
      return await write({ order, step, chain, files, directory });
    } finally {
      await pool.close();
    }
  };

/** The running instance is asked for names only where the words are no path of the set: plain files need no database. */
async function meant(meta: SetMeta, { what, instance, setId }: ExtractOrder): Promise<readonly FileOfSet[]> {
  const byPath = findMembers(meta, what, new Map());
  if (byPath.length > 0) return byPath;
  const canBeName = instance !== undefined && !what.includes('/');
  const byName = canBeName ? findMembers(meta, what, await namesOfSet(meta.summary, instance)) : [];
  if (byName.length === 0) throw fail('extract_nothing', { what, set: setId });
  return byName;
}

interface Extraction {
  readonly order: ExtractOrder;
  readonly step: StepContext;
  readonly chain: SetChain;
  readonly files: readonly FileOfSet[];
  readonly directory: string;
}

async function write(extraction: Extraction): Promise<ExtractReport> {
  const { order, chain, files, directory } = extraction;
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  claimDirectory(directory, order.runId, ownerOfAgent());
  try {
    await writeFiles(extraction);
  } catch (error) {
    discardMarked(directory, order.runId);
    throw error;
  }
  releaseMarker(directory, order.runId);
  return {
    directory,
    sets: chain.map(({ meta }) => meta.summary.setId),
    filesWritten: files.length,
    bytesWritten: files.reduce((sum, file) => sum + file.sizeBytes, 0),
    files: files.slice(0, namedFiles).map(({ path }) => path),
  };
}

async function writeFiles(extraction: Extraction): Promise<void> {
  const { chain, files, directory } = extraction;
  const byPath = chain.map(({ meta }) => filesOf(meta));
  const { summary } = chain[0].meta;
  const names = engineProfile(summary.engine).files;
  const tablespaces = Object.fromEntries(
    summary.tablespaces.map(({ oid }) => [String(oid), `${directory}/${names.tablespaces}/${String(oid)}`]),
  );
  const writer = new FileWriter(ownerOfAgent());
  const count = counterOf(extraction);
  try {
    for (const [filesDone, file] of files.entries()) {
      const path = placeMember(file.path, { directory, tablespaces, files: names });
      mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
      for (const needed of neededExtents(byPath, file.path))
        count(await writeExtent(writer, { path, chain, ...needed }), filesDone);
      await writer.end([{ path, sizeBytes: file.sizeBytes, mode: 0o600, mtimeMs: file.mtimeMs }]);
    }
  } finally {
    writer.closeAll();
  }
}

/** Tells progress after each extent. Throws `cancelled` when nobody wants it any more. */
function counterOf({ step, files }: Extraction): (bytes: number, filesDone: number) => void {
  const bytesTotal = files.reduce((sum, file) => sum + file.sizeBytes, 0);
  let bytesWritten = 0;
  return (bytes, filesDone) => {
    bytesWritten += bytes;
    step.report({ ...noProgress, phase: 'write', bytesWritten, bytesTotal, filesDone, filesTotal: files.length });
    if (step.signal.aborted) throw fail('cancelled', { what: 'the extraction' });
  };
}

type Needed = typeof neededExtents extends (...asked: never) => Generator<infer N> ? N : never;

/** Writes what is needed of an extent, after all of it was checked; how many bytes. */
async function writeExtent(
  writer: FileWriter,
  { path, chain, depth, extent, at, spans }: Needed & { readonly path: string; readonly chain: SetChain },
): Promise<number> {
  const set = chain[depth] ?? chain[0];
  const { piece } = placeOfFrame(set.meta, extent.frame);
  const bytes = extentBytes(set.keys, piece, { raw: await set.readFrame(extent.frame), extent });
  let written = 0;
  for (const { from, length } of spans ?? [{ from: 0, length: bytes.length }]) {
    writer.write(path, at + from, bytes.subarray(from, from + length));
    written += length;
  }
  return written;
}
