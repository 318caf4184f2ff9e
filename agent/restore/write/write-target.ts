import { existsSync } from 'node:fs';
import { changeControlFile } from '#core/engine/control-file.ts';
import { engineProfile } from '#core/engine/profiles.ts';
import { fail } from '#core/errors/fail.ts';
import { HoldfastError } from '#core/errors/holdfast-error.ts';
import { reach } from '#core/faults/fault-points.ts';
import type { SetMeta } from '#core/format/meta.ts';
import { startOf } from '#core/restore/recovery/offline-start.ts';
import type { RestorePlan } from '#core/restore/plan/plan.ts';
import { warningsOf } from '#core/restore/plan/warnings.ts';
import type { Progress } from '#core/run/progress.ts';
import { noProgress } from '#core/run/progress.ts';
import type { FileOwner } from '#agent/datadir/writer-paths.ts';
import { unwritable } from '#agent/datadir/writer-errors.ts';
import type { EmptyTarget, TargetRequest } from '#agent/datadir/writer.ts';
import { prepareTarget } from '#agent/datadir/writer.ts';
import type { OpenSet } from '#agent/sets/open-set.ts';
import { writeManifest } from '#agent/manifest/write-manifest.ts';
import type { Configured, ServerAddress } from '#agent/restore/recovery/configure.ts';
import { configure } from '#agent/restore/recovery/configure.ts';
import { refuseLateTablespaces } from '#agent/restore/recovery/late-tablespaces.ts';
import { prefillLog } from '#agent/restore/recovery/prefill-log.ts';
import type { ReadableChain } from './open-readable-chain.ts';
import { openReadableChain } from './open-readable-chain.ts';
import { proveFiles } from './prove-files.ts';
import { reportPhase } from '#agent/restore/report-phase.ts';
import { restoreSet } from '#agent/restore/restore-set.ts';
import type { RestoredSet } from '#agent/restore/restore-set.ts';
import type { RestoreWork } from '#agent/restore/restore-work.ts';

export interface WrittenTarget {
  readonly target: EmptyTarget;
  readonly restored: RestoredSet;
  /** In place: the main configuration file that lies outside the data directory and stays there. */
  readonly configFile?: string | undefined;
  readonly configured: Configured;
}

/** What differs between a copy and a restore in place while the target is written. */
export interface WriteWays {
  readonly owner: FileOwner;
  addressOf(target: EmptyTarget): ServerAddress;
  /** Called when all files are written, before the server may start; with the main configuration file that stays outside. */
  beforeFinish(target: EmptyTarget, configFile: string | undefined): void;
}

/**
 * Writes a complete data directory, ready to recover: everything durable, pg_control last, so that a half restored one
 * never starts.
 */
export async function writeTarget(work: RestoreWork, ways: WriteWays): Promise<WrittenTarget> {
  const { order, pool, watch } = work;
  const readable = await openReadableChain(pool, order.plan);
  const { chain } = readable;
  const logDirectories = await work.deps.logDirectories();
  const target = await watch.time('prepare', () => prepare(work, chain[0], { owner: ways.owner, logDirectories }));
  reach(work.step, 'restore.after-prepare');
  return fill(work, { readable, target, ways }).catch((error: unknown) => {
    discardFailed(work, target, error);
    throw error;
  });
}

interface Filling {
  readonly readable: ReadableChain;
  readonly target: EmptyTarget;
  readonly ways: WriteWays;
}

async function fill(work: RestoreWork, { readable, target, ways }: Filling): Promise<WrittenTarget> {
  const { order, step, watch } = work;
  const { chain, lost } = readable;
  const [set] = chain;
  const configFile = outsideConfiguration(order.plan, set.meta);
  const hasOutsideConfiguration = configFile !== undefined;
  const restored = await watch.time('write', () =>
    restoreSet({
      ...{ chain, lost, target, pool: order.pool, hasOutsideConfiguration, step },
      ...{ channels: order.channels, resumeBufferBytes: order.resumeBufferBytes, ways: order.plan.ways },
    }),
  );
  reach(step, 'restore.after-write');
  await watch.time('log', () => prefill(work, target, restored));
  reach(step, 'restore.after-log');
  const replay = { plan: order.plan, from: set.meta.summary.beginLsn, signal: step.signal };
  await watch.time('log', () => refuseLateTablespaces(replay, target));
  ways.beforeFinish(target, configFile);
  const configured = configure(order.plan, target, { ...ways.addressOf(target), outside: configFile });
  const control = await controlFileOf(order.plan, set, target.files.control);
  writeManifest({ target, summary: set.meta.summary, files: restored.files, control });
  reach(step, 'restore.before-control');
  await target.finish(control);
  reach(step, 'restore.after-control');
  await prove(work, target, restored);
  const warnings = [...warningsOf(order.plan), ...restored.warnings];
  return { target, restored: { ...restored, warnings }, configFile, configured };
}

/** Before any server: from its first moment on it changes files. */
async function prove(work: RestoreWork, target: EmptyTarget, restored: RestoredSet): Promise<void> {
  const { verifier, order, step, watch } = work;
  if (verifier === undefined) return;
  reportPhase(work, 'prove', restored);
  await watch.time('prove', () => proveFiles(verifier, target, { plan: order.plan, signal: step.signal }));
  step.log({ level: 'info', message: `${verifier} found every file of ${target.directory} as it was restored` });
}

/** Byte for byte that of the set, unless it is one of a closed instance and the server must be told how to begin. */
async function controlFileOf(plan: RestorePlan, set: OpenSet, path: string): Promise<Uint8Array> {
  const bytes = await set.readMember(path);
  const { endLsn: lsn, timeline } = set.meta.summary;
  const change = startOf(plan, { lsn, timeline });
  return change === undefined ? bytes : changeControlFile(bytes, change, path);
}

/** What cannot be continued is removed, so that the place is free; what a later attempt can continue stays, unstartable. */
function discardFailed({ order, step }: RestoreWork, target: EmptyTarget, error: unknown): void {
  const canContinue = error instanceof HoldfastError && error.isRetryable && !step.signal.aborted;
  // What was written over is the old database: there is nothing else.
  if (canContinue || order.plan.ways?.isDelta === true) return;
  try {
    target.discard();
  } catch (left) {
    // The first failure is the one that counts; this one usually has the same cause.
    step.log({
      level: 'error',
      message: `what was restored could not be removed: ${unwritable(target.directory, left).message}`,
    });
  }
}

/** A copy takes such configuration into its directory; in place it is used where it is, unless another was chosen (K-110). */
function outsideConfiguration(plan: RestorePlan, meta: SetMeta): string | undefined {
  if (plan.place.kind === 'copy' || plan.configFile !== undefined) return undefined;
  const { configuration } = engineProfile(plan.engine).files;
  const main = meta.members.find((member) => member.kind === 'file' && member.path === configuration);
  const origin = main?.kind === 'file' ? main.origin : undefined;
  return origin !== undefined && existsSync(origin) ? origin : undefined;
}

function prepare(
  { order, step }: RestoreWork,
  set: OpenSet,
  ground: Pick<TargetRequest, 'owner' | 'logDirectories'>,
): EmptyTarget {
  const { plan } = order;
  step.report({ ...noProgress, phase: 'prepare', bytesTotal: plan.rawBytes });
  if (set.meta.summary.systemId !== plan.systemId) {
    throw fail('system_id_of_restore', {
      directory: plan.place.directory,
      found: set.meta.summary.systemId,
      wanted: plan.systemId,
    });
  }
  const bytes = bytesByRoot(set.meta, plan);
  return prepareTarget({
    directory: plan.place.directory,
    files: engineProfile(plan.engine).files,
    tablespaces: plan.tablespaceMap,
    runId: order.runId,
    bytes,
    ...ground,
  });
}

/** What goes below each root: '' is the data directory, which also takes the log. */
function bytesByRoot(meta: SetMeta, plan: RestorePlan): Readonly<Record<string, number>> {
  const { tablespaces } = engineProfile(plan.engine).files;
  const bytes: Record<string, number> = { '': plan.segments.length * plan.segmentBytes };
  for (const member of meta.members) {
    if (member.kind !== 'file') continue;
    const [top, oid = ''] = member.path.split('/');
    const root = top === tablespaces ? oid : '';
    bytes[root] = (bytes[root] ?? 0) + member.sizeBytes;
  }
  return bytes;
}

async function prefill({ order, pool, step }: RestoreWork, target: EmptyTarget, restored: RestoredSet): Promise<void> {
  const { plan } = order;
  const written = restored.bytesWritten;
  const progress = (done: number): Progress => ({
    ...noProgress,
    phase: 'log',
    bytesWritten: written + done * plan.segmentBytes,
    bytesTotal: written + plan.segments.length * plan.segmentBytes,
    filesDone: restored.filesWritten + done,
    filesTotal: restored.filesWritten + plan.segments.length,
  });
  step.report(progress(0));
  await prefillLog({
    plan,
    pool,
    target,
    signal: step.signal,
    onSegment: (done) => {
      step.report(progress(done));
    },
  });
}
