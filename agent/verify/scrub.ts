import type { CareReport } from '#core/care/care-report.ts';
import type { ScrubTask } from '#core/care/care-task.ts';
import type { MarkOfSet } from '#core/care/mark.ts';
import { standingOf } from '#core/care/mark.ts';
import type { ScrubNext, ScrubTold } from '#core/care/verification.ts';
import { fail } from '#core/errors/fail.ts';
import { HoldfastError } from '#core/errors/holdfast-error.ts';
import { setMetaKey, setPrefix } from '#core/format/object-key.ts';
import type { SetId } from '#core/id.ts';
import { instantFromMs } from '#core/instant.ts';
import type { StepContext } from '#core/ports/step.ts';
import type { VerifyReport } from '#core/restore/report.ts';
import type { Progress, Warning } from '#core/run/progress.ts';
import type { CareWork } from '#agent/care/care-work.ts';
import { putMark, readMarks } from '#agent/care/marks.ts';
import { demandNewestKey } from '#agent/pools/newest-key.ts';
import { demandGoing } from '#agent/pools/while-paused.ts';
import type { PartReport, VerifyRequest } from '#agent/sets/verify-set.ts';
import { lookAtSet } from '#agent/sets/verify-set.ts';
import type { VerifiedPool } from './check-runner.ts';
import { lookAtBatch } from './look-at-batch.ts';
import { cutText } from '#core/text.ts';

type NextOf<K extends ScrubNext['next']> = Extract<ScrubNext, { next: K }>;

/** A mark holds 2000 characters; names of the run and the object come before. */
const longestFinding = 1500;

/**
 * Reads stored sets and log back, one after the other as the API names them, and tells what it found of each before it asks
 * for the next: a run that was killed goes on behind the last one. A damaged set gets a quarantine mark in its pool, so that
 * it stays out of use even when the catalog is lost. Throws `scrub_found_damage` after it looked at all, `cancelled`,
 * `passphrase_old` before it calls anything damaged that a newer key of the pool may open, and what the pool and the channel
 * throw.
 */
export async function scrub(work: CareWork, { depth }: ScrubTask): Promise<CareReport> {
  const { channel } = work.deps;
  const { runId } = work.order;
  const looker = new Looker(work, depth);
  for (;;) {
    await demandGoing(work.step);
    const next = await channel.nextToScrub(runId);
    if (next.next === 'nothing') return reportOf(work, next, looker.warnings);
    await channel.tellScrubbed(runId, next.next === 'set' ? await looker.set(next) : await looker.batch(next));
  }
}

function reportOf(work: CareWork, done: NextOf<'nothing'>, warnings: readonly Warning[]): CareReport {
  const { sets, batches, bytes, damaged, first } = done;
  if (damaged > 0)
    throw fail('scrub_found_damage', {
      ...{ pool: work.pool.name, count: String(damaged), looked: String(sets + batches) },
      ...{ object: first?.object ?? '', what: first?.what ?? '' },
    });
  return { sets, batches, objects: sets + batches, bytes, kept: [], isDryRun: false, warnings };
}

class Looker {
  readonly warnings: Warning[] = [];
  readonly #work: CareWork;
  readonly #depth: ScrubTask['depth'];
  readonly #pool: VerifiedPool;
  /** Bytes of what was looked at before: counters of a step only grow. */
  #before = 0;

  constructor(work: CareWork, depth: ScrubTask['depth']) {
    this.#work = work;
    this.#depth = depth;
    this.#pool = { ...work.pool, access: work.order.pool };
  }

  async set({ setId, fromPiece, budgetBytes }: NextOf<'set'>): Promise<ScrubTold> {
    const part = { fromPiece, ...(budgetBytes === undefined ? {} : { budgetBytes }) };
    const { nextPiece, ...report } = await this.#look((step) =>
      lookAt(this.#pool, { setId, depth: this.#depth, part }, step),
    );
    this.#note(setId, report);
    const marks = await this.#quarantine(setId, report);
    return {
      ...{ kind: 'set', setId, report },
      ...(nextPiece === undefined ? {} : { nextPiece }),
      ...(marks === undefined ? {} : { marks }),
    };
  }

  async batch({ batch }: NextOf<'batch'>): Promise<ScrubTold> {
    const { batchId } = batch;
    const report = await this.#look((step) => lookAtBatch(this.#pool, batch, step));
    this.#note(`log batch ${batchId} (${batch.from} to ${batch.to})`, report);
    return { kind: 'batch', batchId, report };
  }

  async #look<R extends VerifyReport>(look: (step: StepContext) => Promise<R>): Promise<R> {
    const { step } = this.#work;
    const report = ({ bytesRead, ...progress }: Progress): void => {
      step.report({ ...progress, bytesRead: this.#before + bytesRead });
    };
    const found = await look({ ...step, report });
    if (found.damage.length + (found.warnings ?? []).length > 0) await demandNewestKey(this.#pool);
    this.#before += found.bytes;
    return found;
  }

  #note(what: string, { damage, damageCount = damage.length, bytes, warnings = [] }: VerifyReport): void {
    const [first] = damage;
    this.warnings.push(...warnings);
    this.#work.step.log(
      first === undefined
        ? { level: 'info', message: `${what} is sound: ${String(bytes)} stored bytes were read` }
        : {
            level: 'error',
            message: `${what} is damaged (${String(damageCount)} findings): ${first.object}: ${first.what}`,
          },
    );
  }

  /** Only damage of the set's own: one whose base is damaged is out of use with it, and comes back with it. */
  async #quarantine(setId: SetId, { damage }: VerifyReport): Promise<readonly MarkOfSet[] | undefined> {
    const { pool, deps, order, step } = this.#work;
    const { marks, unreadable } = await readMarks(pool, setId);
    if (unreadable.length > 0) await demandNewestKey(pool);
    for (const { message } of unreadable)
      this.warnings.push({ code: 'mark_unreadable', detail: `${setId}: ${message}` });
    const own = damage.find(({ object }) => object.startsWith(setPrefix(setId)));
    if (own === undefined || standingOf(marks).isQuarantined) return own === undefined ? undefined : marks;
    const text = cutText(`run ${order.runId} found damage: ${own.object}: ${own.what}`, longestFinding);
    const at = instantFromMs(deps.clock.nowMs());
    try {
      return (await putMark(pool, { markId: deps.newId('mark'), setId, kind: 'quarantine', at, by: 'scrub', text }))
        .marks;
    } catch (error) {
      // Why: the catalog keeps the set out of use all the same; a pool that takes no mark must not hide the damage.
      if (!(error instanceof HoldfastError) || error.isRetryable) throw error;
      step.log({ level: 'warn', message: `${setId} got no quarantine mark: ${error.message}` });
      return undefined;
    }
  }
}

/** A set that the catalog knows and whose commit point is gone is damaged, too. */
async function lookAt(pool: VerifiedPool, request: VerifyRequest, step: StepContext): Promise<PartReport> {
  try {
    return await lookAtSet(pool, request, step);
  } catch (error) {
    if (!(error instanceof HoldfastError) || error.code !== 'set_not_committed') throw error;
    const { setId, depth } = request;
    const damage = [{ object: setMetaKey(setId), what: `${error.code}: ${error.message}` }];
    return { depth, sets: [setId], objects: 1, bytes: 0, damage };
  }
}
