import { fail } from '#core/errors/fail.ts';
import { reach } from '#core/faults/fault-points.ts';
import type { TruncationNote } from '#core/care/care-task.ts';
import type { BatchId } from '#core/id.ts';
import type { BatchSummary, SegmentOfBatch } from '#core/log/batch-summary.ts';
import { compareLsn, lsnToNumber } from '#core/wal/lsn.ts';
import type { SegmentName } from '#core/wal/segment-name.ts';
import { readTruncations } from '../care/truncation.ts';
import type { PutLog } from '../sets/log-objects.ts';
import { getLogSegment, putLogSegment, sealBatch } from '../sets/log-objects.ts';
import { keyOfLog } from '../sets/seal-log.ts';
import type { BranchPlace, CommittedBranch } from '../wal/committed-log.ts';
import { demandCorrupt, readBranch, secureBranch } from '../wal/committed-log.ts';
import { copyReferences } from './copy-references.ts';
import type { Copying } from './copying.ts';
import type { ListedBatch } from './missing-log.ts';
import { firstMissing, listBatches } from './missing-log.ts';
import { neededOn, withoutNeeded } from './needed-log.ts';

/**
 * Copies the log of a database, branch by branch, batch by batch in the order of their chain: segments and block references
 * first, then the batch, which names the hash of the batch before it in the target. Yields each batch that the target holds
 * durably and of which the catalog may not know. Log that a plan deleted from the target comes back only where a
 * set of this copy needs it. A batch that
 * cannot be read is told as a failure: its branch is copied up to there, and the other branches go on.
 */
export async function* copyLog(work: Copying, systemId: string): AsyncGenerator<BatchSummary> {
  for (const branchId of await branchesOf(work, systemId)) {
    work.demandGoing();
    yield* new BranchCopy(work, { systemId, branchId }).run();
  }
}

async function branchesOf({ from }: Copying, systemId: string): Promise<readonly string[]> {
  const found = new Set<string>();
  for await (const { key } of from.store.list(`logs/${systemId}/`)) {
    const branchId = /^logs\/\d+\/([0-9a-f]{32})\/batches\//.exec(key)?.[1];
    if (branchId !== undefined) found.add(branchId);
  }
  return [...found];
}

const idsOf = (listed: readonly ListedBatch[]): readonly string[] => listed.map(({ batchId }) => batchId);
const byId = (a: BatchSummary, b: BatchSummary): number => (a.batchId < b.batchId ? -1 : 1);

class BranchCopy {
  readonly #work: Copying;
  readonly #place: BranchPlace;
  readonly #segments = new Map<SegmentName, SegmentOfBatch>();
  #last: { readonly id: BatchId | ''; readonly sha256: string } = { id: '', sha256: '' };

  constructor(work: Copying, place: BranchPlace) {
    this.#work = work;
    this.#place = place;
  }

  async *run(): AsyncGenerator<BatchSummary> {
    const { from, to } = this.#work;
    const needed = neededOn(this.#work.needingLog, this.#place);
    const notes = withoutNeeded(await readTruncations(to, this.#place), needed);
    const there = new Set(idsOf(await listBatches(to, this.#place)));
    const listed = await listBatches(from, this.#place);
    for (const { batchId } of listed) if (there.has(batchId)) this.#work.count('batchesThere');
    const position = firstMissing(listed, there, notes);
    const target = await readBranch(to, this.#place, position ?? Infinity);
    await secureBranch(to, target);
    this.#begin(target);
    // Why: whoever put the newest batch may have died before the catalog heard of it; those before it were told of.
    if (target.newest !== undefined) yield target.newest.batch;
    if (position === undefined) return;
    const source = await readBranch(from, this.#place, position);
    const words = `log of ${this.#place.systemId} on branch ${this.#place.branchId}`;
    for (const { message } of source.unreadable) this.#work.failed({ what: words, why: message });
    const lost = new Set(source.unreadableIds.filter((batchId) => !there.has(batchId)));
    for (const batch of upToLoss(source.batches, lost, { listed, notes })) {
      this.#work.demandGoing();
      if (there.has(batch.batchId) || wasDeleted(batch, notes) || this.#isHeld(batch)) continue;
      const copied = await this.#tryCopy(batch, words);
      if (copied === undefined) return;
      yield copied;
    }
  }

  #begin({ segments, newest }: CommittedBranch): void {
    for (const [name, segment] of segments) this.#segments.set(name, segment);
    if (newest !== undefined) this.#last = { id: newest.batch.batchId, sha256: newest.sha256 };
  }

  /** The target got this log in another way, in batches that are newer: nothing is missing but a number. */
  #isHeld(batch: BatchSummary): boolean {
    return batch.batchId < this.#last.id && batch.segments.every((segment) => this.#holds(segment) !== undefined);
  }

  #holds({ name, rawSha256, to }: SegmentOfBatch): SegmentOfBatch | undefined {
    const known = this.#segments.get(name);
    return known?.rawSha256 === rawSha256 && compareLsn(known.to, to) >= 0 ? known : undefined;
  }

  /** Behind damage nothing is copied: the chain of the target must not show a hole as if it had always been there. */
  async #tryCopy(batch: BatchSummary, words: string): Promise<BatchSummary | undefined> {
    try {
      return await this.#copy(batch);
    } catch (error) {
      this.#work.failed({ what: `${words} from ${batch.from} on`, why: demandCorrupt(error).message });
      return undefined;
    }
  }

  async #copy(batch: BatchSummary): Promise<BatchSummary> {
    const { to } = this.#work;
    const segments: SegmentOfBatch[] = [];
    for (const segment of batch.segments) segments.push(await this.#copySegment(segment));
    const { references: named, ...rest } = batch;
    const known = { ...rest, batchId: this.#idFor(batch), segments, previousSha256: this.#last.sha256 };
    const references =
      named === undefined ? undefined : await copyReferences(this.#work, { batch, named, batchId: known.batchId });
    const copied = references === undefined ? known : { ...known, references };
    const sealed = sealBatch(to, copied);
    await to.store.barrier();
    await this.#work.demandOpen();
    reach(this.#work, 'pool-copy.before-batch');
    if ((await this.#work.put(sealed.key, sealed.stored)) === 'exists')
      throw fail('copy_contended', { object: sealed.key, pool: to.name });
    reach(this.#work, 'pool-copy.after-batch');
    await to.store.barrier();
    this.#last = { id: copied.batchId, sha256: sealed.storedSha256 };
    for (const segment of segments) this.#segments.set(segment.name, segment);
    this.#work.count('batches');
    return copied;
  }

  /** Ids order the chain, so one that would go between others is replaced. */
  #idFor({ batchId }: BatchSummary): BatchId {
    let id = batchId;
    while (id <= this.#last.id) id = this.#work.newId('batch');
    return id;
  }

  async #copySegment(segment: SegmentOfBatch): Promise<SegmentOfBatch> {
    this.#work.demandGoing();
    const held = this.#holds(segment);
    if (held !== undefined) {
      const { object, storedSha256, storedBytes } = held;
      await this.#work.to.store.renewProtection?.([keyOfLog({ ...this.#place, name: object })], 'own');
      return { ...segment, object, storedSha256, storedBytes };
    }
    const key = keyOfLog({ ...this.#place, name: segment.object });
    const raw = await getLogSegment(this.#work.from, key, segment.rawSha256);
    this.#work.passed(segment.storedBytes);
    const { object, put } = await this.#putSegment(segment, raw);
    reach(this.#work, 'pool-copy.after-segment');
    const { storedSha256, storedBytes } = put;
    if (put.outcome === 'created') this.#work.sent(storedBytes);
    else this.#work.count('objectsReused');
    return { ...segment, object, storedSha256, storedBytes };
  }

  /** A leftover with other bytes under the name stays: the segment gets the name that log backups use then. */
  async #putSegment(
    { name, object, rawSha256 }: SegmentOfBatch,
    raw: Uint8Array,
  ): Promise<{ readonly object: string; readonly put: PutLog }> {
    const { to } = this.#work;
    for (const each of [object, `${name}.${rawSha256.slice(0, 16)}`]) {
      const put = await putLogSegment(to, { ...this.#place, name: each }, raw);
      if (put.outcome !== 'different') return { object: each, put };
    }
    throw fail('copy_contended', { object: keyOfLog({ ...this.#place, name: object }), pool: to.name });
  }
}

/** Batches in the order of their chain, none of behind the first that is lost and that no plan deleted from the target. */
function upToLoss(
  batches: readonly BatchSummary[],
  lost: ReadonlySet<string>,
  { listed, notes }: { readonly listed: readonly ListedBatch[]; readonly notes: readonly TruncationNote[] },
): readonly BatchSummary[] {
  const rest = new Set(idsOf(listed).filter((batchId) => !lost.has(batchId)));
  const end = firstMissing(listed, rest, notes) ?? Infinity;
  return batches.filter(({ from }) => lsnToNumber(from) <= end).sort(byId);
}

const wasDeleted = ({ from, to, segments }: BatchSummary, notes: readonly TruncationNote[]): boolean =>
  segments.length > 0 &&
  notes.some(({ ranges }) =>
    ranges.some((range) => compareLsn(range.from, from) <= 0 && compareLsn(to, range.to) <= 0),
  );
