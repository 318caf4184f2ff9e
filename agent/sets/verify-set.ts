import type { VerifyDepth } from '#core/care/verify-depth.ts';
import { setMetaKey, setStartKey } from '#core/format/object-key.ts';
import type { SetId } from '#core/id.ts';
import type { StepContext } from '#core/ports/step.ts';
import type { VerifyReport } from '#core/restore/report.ts';
import type { Warning } from '#core/run/progress.ts';
import { noProgress } from '#core/run/progress.ts';
import type { Check, Checked, PieceCheck } from '#agent/verify/check.ts';
import type { VerifiedPool } from '#agent/verify/check-runner.ts';
import { openCheckRunner } from '#agent/verify/check-runner.ts';
import type { PartOfChain } from '#agent/verify/checks-of-set.ts';
import { checksOf } from '#agent/verify/checks-of-set.ts';
import type { OwnLogLook, OwnLogRequest } from '#agent/verify/look-at-own-log.ts';
import { lookAtOwnLog } from '#agent/verify/look-at-own-log.ts';
import { readSetKeys } from './begin-set.ts';
import type { OpenSet } from './open-set.ts';
import { openSet } from './open-set.ts';
import type { Damage } from './piece-damage.ts';
import { findingOf, pieceDamage } from './piece-damage.ts';
import { keyOfPiece } from './read-frame.ts';

/** What of a set is looked at. */
export interface VerifyRequest {
  readonly setId: SetId;
  readonly depth: VerifyDepth;
  /**
   * Only the set's own objects, and that its base is the one it was built on: who looks at every set of a pool reads each
   * piece once. Absent: also what a restore of the set reads of the sets below.
   */
  readonly part?: {
    /** Index of the first piece to read: an earlier look got this far. */
    readonly fromPiece: number;
    /** Reading ends before the piece that would go beyond this; one piece is always read. Absent: reads to the end. */
    readonly budgetBytes?: number;
  };
}

/** `nextPiece`: where a later look goes on; absent when the set was read to its end. */
export type PartReport = VerifyReport & { readonly nextPiece?: number };

/** Findings beyond these are only counted: a report travels, and one dead disk damages everything. */
const mostFindings = 100;

/** Findings of a verification and what it read. */
class Findings {
  readonly #damage: Damage[] = [];
  #count = 0;
  bytes = 0;
  pages = 0;

  add(...found: readonly Damage[]): void {
    this.#count += found.length;
    this.#damage.push(...found.slice(0, Math.max(0, mostFindings - this.#damage.length)));
  }

  take({ damage, bytes, pages }: Checked): void {
    this.add(...damage);
    this.bytes += bytes;
    this.pages += pages;
  }

  report(): Pick<VerifyReport, 'damage' | 'damageCount'> {
    const isMore = this.#count > this.#damage.length;
    return { damage: this.#damage, ...(isMore ? { damageCount: this.#count } : {}) };
  }
}

/** Pieces of wrong size, by their metadata alone; keys of those are returned: reading them tells nothing new. */
async function checkSizes(
  pool: VerifiedPool,
  parts: readonly PartOfChain[],
  findings: Findings,
): Promise<ReadonlySet<string>> {
  const wrong = new Set<string>();
  for (const { set, pieces } of parts) {
    const wanted = pieces.map(({ piece }) => piece);
    for (const found of await pieceDamage(pool, set, wanted)) {
      wrong.add(found.object);
      findings.add(found);
    }
  }
  return wrong;
}

const keyOfCheck = ({ keys, piece }: PieceCheck): string => keyOfPiece(keys, piece);
const bytesOf = (checks: readonly PieceCheck[]): number =>
  checks.reduce((sum, { piece }) => sum + piece.storedBytes, 0);

interface Reading {
  readonly findings: Findings;
  readonly step: StepContext;
}

/** Reads pieces and reports progress. */
async function readPieces(
  pool: VerifiedPool,
  checks: readonly PieceCheck[],
  { findings, step }: Reading,
): Promise<void> {
  if (checks.length === 0) return;
  const bytesTotal = bytesOf(checks);
  const runner = openCheckRunner(pool, step, bytesTotal);
  let piecesDone = 0;
  const all: readonly Check[] = checks;
  try {
    await runner.run(all, (checked) => {
      findings.take(checked);
      step.report({ ...noProgress, phase: 'verify', bytesRead: findings.bytes, bytesTotal, piecesDone: ++piecesDone });
    });
  } finally {
    await runner.close();
  }
}

interface Starting {
  readonly findings: Findings;
  /** What kept sets from being opened: it is not told twice. */
  readonly broken: readonly Damage[];
}

/** Checks the start of sets; bytes of start and meta. */
async function checkStarts(pool: VerifiedPool, ids: readonly SetId[], { findings, broken }: Starting): Promise<number> {
  let bytes = 0;
  for (const setId of ids) {
    const start = setStartKey(setId);
    try {
      await readSetKeys(pool, setId);
    } catch (error) {
      const found = findingOf(start, error);
      if (!broken.some(({ object }) => object === found.object)) findings.add(found);
    }
    for (const key of [start, setMetaKey(setId)]) bytes += (await pool.store.head(key))?.sizeBytes ?? 0;
  }
  return bytes;
}

interface OpenedChain {
  readonly chain: readonly OpenSet[];
  /** What kept the rest from being opened. */
  readonly broken: readonly Damage[];
}

/** The chain as far as it can be opened, at most `links` sets of it. */
async function openWhatIsThere(pool: VerifiedPool, setId: SetId, links: number): Promise<OpenedChain> {
  const chain: OpenSet[] = [];
  let next: SetId = setId;
  try {
    for (let set: OpenSet | undefined = await openSet(pool, setId); set !== undefined; set = await set.openBase()) {
      chain.push(set);
      if (chain.length >= links) break;
      next = set.meta.summary.base?.setId ?? next;
    }
    return { chain, broken: [] };
  } catch (error) {
    return { chain, broken: [findingOf(setMetaKey(next), error)] };
  }
}

/** Pieces from the one where an earlier look ended, up to the budget; at least one. */
function portionOf(checks: readonly PieceCheck[], part: VerifyRequest['part']): readonly PieceCheck[] {
  if (part === undefined) return checks;
  const { fromPiece, budgetBytes = Infinity } = part;
  let left = budgetBytes;
  const rest = checks.slice(fromPiece);
  const count = rest.findIndex(({ piece }, i) => (left -= piece.storedBytes) < 0 && i > 0);
  return count < 0 ? rest : rest.slice(0, count);
}

/**
 * Looks at a committed set as asked. Damage is reported, not thrown; each finding begins with its registered code. Throws
 * `set_not_committed`, `pool_unreachable`, `cancelled`.
 */
export async function lookAtSet(
  pool: VerifiedPool,
  { setId, depth, part }: VerifyRequest,
  step: StepContext,
): Promise<PartReport> {
  const findings = new Findings();
  // Of the sets below only the next one is opened for a part: that the link to it holds is the set's own affair.
  const { chain, broken } = await openWhatIsThere(pool, setId, part === undefined ? Infinity : 2);
  const looked = part === undefined ? chain : chain.slice(0, 1);
  const ids = looked.length === 0 ? [setId] : looked.map(({ keys }) => keys.setId);
  findings.add(...broken);
  const small = await checkStarts(pool, ids, { findings, broken });
  const parts = checksOf(broken.length === 0 ? looked : looked.slice(0, 1), depth === 'page');
  const wrong = await checkSizes(pool, parts, findings);
  const checks = parts.flatMap(({ pieces }) => pieces);
  const portion = depth === 'quick' ? [] : portionOf(checks, part);
  const whole = portion.filter((check) => !wrong.has(keyOfCheck(check)));
  await readPieces(pool, whole, { findings, step });
  const end = (part?.fromPiece ?? 0) + portion.length;
  // Who looks at every set of a pool looks at its log, too.
  const log = await ownLog(pool, part === undefined ? chain[0] : undefined, { depth, step });
  findings.take(log);
  const objects = 2 * ids.length + checks.length + log.objects;
  return {
    ...{ depth, sets: ids, objects, bytes: small + findings.bytes },
    ...findings.report(),
    ...told(ofPages(chain[0], depth, findings.pages), log.warnings),
    ...(depth !== 'quick' && end < checks.length ? { nextPiece: end } : {}),
  };
}

const noLog: OwnLogLook = { objects: 0, bytes: 0, pages: 0, damage: [], warnings: [] };

const ownLog = (pool: VerifiedPool, set: OpenSet | undefined, how: OwnLogRequest): Promise<OwnLogLook> =>
  set === undefined ? Promise.resolve(noLog) : lookAtOwnLog(pool, set.meta.summary, how);

/** The same report with more warnings. */
function told<R extends Pick<VerifyReport, 'warnings'>>(report: R, more: readonly Warning[]): R {
  return more.length === 0 ? report : { ...report, warnings: [...(report.warnings ?? []), ...more] };
}

/** Whoever asks for pages must hear that there was nothing to compare. */
function ofPages(
  set: OpenSet | undefined,
  depth: VerifyDepth,
  pages: number,
): Pick<VerifyReport, 'pages' | 'warnings'> {
  if (depth !== 'page') return {};
  if (set === undefined || set.meta.summary.hasChecksums) return { pages };
  const detail = `${set.keys.setId} is of a server without page checksums: every stored byte was checked, no page`;
  return { pages, warnings: [{ code: 'checksums_off', detail }] };
}

/**
 * Verifies a committed set and what it needs of the sets it builds on. `quick` checks start, meta and the size of every
 * piece; `full` reads every stored byte: SHA-256 of each frame, decryption, decompression and the hash of each extent; `page`
 * computes the checksums of the pages in relation files as well. Of a set that holds no log (D-021) the log is looked at where it is. Reads on worker threads when `pool` says how it is opened.
 * `sets` of the report names what was looked at, the set first. Throws what `lookAtSet` throws.
 */
export const verifySet = (
  pool: VerifiedPool,
  setId: SetId,
  depth: VerifyDepth,
  step: StepContext,
): Promise<VerifyReport> => lookAtSet(pool, { setId, depth }, step);
