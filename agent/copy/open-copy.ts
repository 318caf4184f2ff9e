import { fastLevel } from '#agent/codec/zstd.ts';
import { extentBytes } from '#agent/wasm/page-memory.ts';
import type { Compression } from '#core/agent/order.ts';
import { bug, fail } from '#core/errors/fail.ts';
import { HoldfastError } from '#core/errors/holdfast-error.ts';
import { pieceKey } from '#core/format/object-key.ts';
import type { StepContext } from '#core/ports/step.ts';
import { resumeBuffer } from '#core/run/resume-buffer.ts';
import { lsnToNumber } from '#core/wal/lsn.ts';
import { bytesOfParts, unitsOfCarrying } from './carried-units.ts';
import type { Carrying } from './carrying.ts';
import type { AcknowledgedPiece, CopyRequest, CopyResult, CopySession, SourceFile } from './copy-request.ts';
import { CopyThreads } from './threads/copy-threads.ts';
import { OutageWatch } from './outage.ts';
import { unitsOf } from './plan-units.ts';
import { bytesToRead, readingOf } from './reading.ts';
import { SetAssembly } from './set-assembly.ts';
import { applyRates, cell, newSharedCells } from './threads/shared-control.ts';
import type { FromThread, ThreadSettings, Unit } from './threads/thread-message.ts';
import type { StartedThreads } from './threads/started-threads.ts';
import { noneStarted, tellThreads, threadsFor } from './threads/started-threads.ts';
import { openThreadStore } from './threads/thread-store.ts';

/** Progress is told and limits are looked up this often. */
const tickMs = 250;
const largestLateMember = 64 * 1_048_576;

/**
 * Starts the copy of files into pieces of a set (design §5 Pipeline). The caller must `close` it. Throws `cancelled` and
 * what a pool throws. It takes its threads from `started`.
 */
export async function openCopy(
  request: CopyRequest,
  step: StepContext,
  started: StartedThreads = noneStarted,
): Promise<CopySession> {
  const earlier = await stillThere(request);
  step.signal.throwIfAborted();
  return new Copy({ request, step, started, earlier });
}

/** Pieces of earlier attempts that the pool still holds: a host that lost power may have lost one after all. */
async function stillThere({ pool, set, acknowledged }: CopyRequest): Promise<readonly AcknowledgedPiece[]> {
  if (acknowledged.length === 0) return [];
  const store = await openThreadStore(pool);
  try {
    const kept: AcknowledgedPiece[] = [];
    for (const piece of acknowledged) {
      const { attempt, piece: number, storedBytes } = piece.piece;
      if ((await store.head(pieceKey(set.setId, attempt, number)))?.sizeBytes === storedBytes) kept.push(piece);
    }
    return kept;
  } finally {
    await store.close();
  }
}

function levelOf(compression: Compression): number {
  if (compression.mode === 'none') return 0;
  return compression.mode === 'fast' ? fastLevel : compression.level;
}

function* bytesUnit(unit: Unit): Generator<Unit> {
  yield unit;
}

interface Beginning {
  readonly request: CopyRequest;
  readonly step: StepContext;
  readonly started: StartedThreads;
  readonly earlier: readonly AcknowledgedPiece[];
}

class Copy implements CopySession {
  readonly #request: CopyRequest;
  readonly #step: StepContext;
  readonly #assembly: SetAssembly;
  readonly #cells = newSharedCells();
  readonly #outages: OutageWatch;
  readonly #threads: CopyThreads;
  readonly #timer: NodeJS.Timeout;
  readonly #failed: Promise<never>;
  #reject: (error: unknown) => void = () => undefined;
  #progress = { bytesWritten: 0, piecesDone: 0, bytesTotal: 0, filesDone: 0, filesTotal: 0 };
  #lastReport = '';
  #closing: Promise<void> | undefined;

  constructor({ request, step, started, earlier }: Beginning) {
    this.#request = request;
    this.#step = step;
    this.#outages = new OutageWatch(this.#cells, step, request.pool.name);
    this.#assembly = new SetAssembly(earlier);
    for (const { piece } of earlier) this.#countPiece(piece.storedBytes);
    this.#failed = new Promise((_, reject) => {
      this.#reject = reject;
    });
    // A failure between two calls is kept for the next one.
    this.#failed.catch(() => undefined);
    this.#applyLimits();
    const threads = threadsFor(request.channels);
    tellThreads(step, request.channels, threads);
    const settings = Array.from({ length: threads }, (_, channel) => this.#settingsOf(channel, threads));
    this.#threads = new CopyThreads(settings, started, {
      onMessage: (message) => {
        this.#take(message);
      },
      onFailure: (error) => {
        this.#fail(error);
      },
    });
    this.#timer = setInterval(() => {
      this.#tick();
    }, tickMs);
    step.signal.addEventListener('abort', this.#onAbort, { once: true });
  }

  async copy(files: readonly SourceFile[]): Promise<void> {
    const { base, pageBytes } = this.#request;
    const { known, knownSpans } = this.#assembly;
    const numbered = files.map((file) => this.#assembly.add(file, readingOf(file, base, pageBytes)));
    this.#progress.filesTotal += files.length;
    for (const { reading, source } of numbered) this.#progress.bytesTotal += bytesToRead(reading, source.sizeBytes);
    await this.#orFailure(this.#threads.run(unitsOf(numbered, { known, knownSpans, base })));
    this.#progress.filesDone = this.#progress.filesTotal;
    this.#tick();
  }

  async carry({ files, tasks }: Carrying): Promise<void> {
    const numbers = files.map((file) => this.#assembly.addCarried(file));
    this.#progress.filesTotal += files.length;
    for (const { parts } of tasks.flatMap(({ frames }) => frames)) this.#progress.bytesTotal += bytesOfParts(parts);
    await this.#orFailure(this.#threads.run(unitsOfCarrying(tasks, numbers, this.#assembly)));
    this.#progress.filesDone = this.#progress.filesTotal;
    this.#tick();
  }

  async add(member: Parameters<CopySession['add']>[0]): Promise<void> {
    const { path, bytes, mode, mtimeMs, isGivenAway = false } = member;
    if (bytes.length > largestLateMember) throw bug(`${path} is too large to be added from memory`);
    const source = { path, absolute: path, sizeBytes: bytes.length, mode, mtimeMs, mustExist: true };
    const { number } = this.#assembly.add(source, readingOf(source, undefined, this.#request.pageBytes));
    const known: string[] = [];
    for (let from = 0; from < bytes.length; from += extentBytes)
      known.push(this.#assembly.known(path, from, Math.min(extentBytes, bytes.length - from)));
    const of = { file: number, absolute: path, firstBlock: undefined };
    await this.#orFailure(this.#threads.run(bytesUnit({ kind: 'bytes', of, bytes, known, isGivenAway })));
  }

  async finish(end: Parameters<CopySession['finish']>[0]): Promise<CopyResult> {
    await this.#orFailure(this.#threads.flush());
    this.#tick();
    const result = this.#assembly.result(this.#bytesRead(), end.endLsn);
    // The threads hold nothing any more: what ends them takes a moment, for which `close` waits.
    this.close().catch(() => undefined);
    return result;
  }

  close(): Promise<void> {
    this.#closing ??= this.#end();
    return this.#closing;
  }

  async #end(): Promise<void> {
    clearInterval(this.#timer);
    this.#step.signal.removeEventListener('abort', this.#onAbort);
    Atomics.store(this.#cells, cell.stop, 1n);
    await this.#threads.close();
    this.#reject(fail('cancelled', { what: 'the copy' }));
  }

  readonly #onAbort = (): void => {
    const { reason } = this.#step.signal as { readonly reason: unknown };
    this.#fail(reason instanceof HoldfastError ? reason : fail('cancelled', { what: 'the copy' }, reason));
  };

  #settingsOf(channel: number, threads: number): ThreadSettings {
    const { pool, set, attemptId, compression, pageBytes, beginLsn } = this.#request;
    const { resumeBufferBytes: largestPiece = resumeBuffer.usual } = this.#request;
    const { reconnectMs, faults } = this.#step;
    const rules = { pageBytes, beginAt: lsnToNumber(beginLsn), largestPiece, reconnectMs, fault: faults?.fault };
    return { cells: this.#cells, pool, set, attemptId, channel, threads, level: levelOf(compression), ...rules };
  }

  async #orFailure(work: Promise<void>): Promise<void> {
    await Promise.race([this.#failed, work]);
  }

  /** The first failure counts; the others follow from it. */
  #fail(error: unknown): void {
    Atomics.store(this.#cells, cell.stop, 1n);
    this.#reject(error);
  }

  #take(message: Extract<FromThread, { kind: 'unit-done' | 'piece' }>): void {
    if (message.kind === 'unit-done') {
      for (const fact of message.facts) this.#assembly.addFact(fact);
      return;
    }
    this.#request.onAcknowledged(this.#assembly.acknowledged(message.piece));
    this.#assembly.addPiece(message.piece);
    this.#countPiece(message.piece.piece.storedBytes);
  }

  #countPiece(storedBytes: number): void {
    this.#progress.piecesDone++;
    this.#progress.bytesWritten += storedBytes;
  }

  #bytesRead(): number {
    return Number(Atomics.load(this.#cells, cell.bytesRead));
  }

  #applyLimits(): void {
    applyRates(this.#cells, this.#step.limits());
  }

  #tick(): void {
    this.#applyLimits();
    this.#outages.look();
    const progress = { phase: 'copy', bytesRead: this.#bytesRead(), ...this.#progress };
    const text = JSON.stringify(progress);
    if (text === this.#lastReport) return;
    this.#lastReport = text;
    this.#step.report(progress);
  }
}
