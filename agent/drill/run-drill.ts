import type { OrderOf } from '#core/agent/order.ts';
import type { DrillCheck, DrillFacts, DrillVerdict } from '#core/drill/drill.ts';
import { HoldfastError } from '#core/errors/holdfast-error.ts';
import type { DrillTalk } from '#core/ports/host-work.ts';
import type { StepContext } from '#core/ports/step.ts';
import { noProgress } from '#core/run/progress.ts';
import type { Scratch, ScratchDeps } from '#agent/scratch/open-scratch.ts';
import { openOn, openScratch } from '#agent/scratch/open-scratch.ts';
import { discardScratch } from '#agent/scratch/scratch-base.ts';
import { checkCanary, checkStatic } from './check-canary.ts';
import { checkApart, checkIdentity, checkOpens, checkReached, databasesOf } from './check-instance.ts';
import { checkPages } from './check-pages.ts';
import { checkSql, readerOf } from './check-sql.ts';
import { checkStructure } from './check-structure.ts';
import { giveTargetBack, settleTarget, takeTarget } from './replace-target.ts';
import { noteTelling } from './target-note.ts';
import type { Finding } from './run-check.ts';
import { runCheck } from './run-check.ts';

type DrillOrder = OrderOf<'drill'>;

/**
 * A drill (K-092, D-047): restores the planned set with all log to a scratch instance of its own, looks at it, tells what it found,
 * and removes it; in the place of a marked instance it stays, as the policy says. Safe to call again after a kill at any instant: the plan is that of the order, what is restored stays, and a
 * drill that was told is only cleaned up. A set that cannot be restored is a failed drill too. Throws what a restore throws, `cancelled`.
 */
export const runDrill =
  (deps: ScratchDeps) =>
  async (order: DrillOrder, step: StepContext, talk: DrillTalk): Promise<DrillVerdict> => {
    const settle = (): Promise<void> =>
      order.target === undefined ? discardScratch(deps, order.runId) : settleTarget(deps.home, order.runId);
    if (order.told !== undefined) {
      await settle();
      return order.told;
    }
    const from = deps.clock.nowMs();
    const scratch = await opened(deps, { order, step, talk });
    try {
      const facts = await factsOf({ deps, order, step, scratch, from });
      // Why before: killed between the report and its answer, nobody here would know that the copy stays.
      await noteTelling(deps.home, order.runId);
      const verdict = await talk.tell(facts);
      await settle();
      return verdict;
    } catch (error) {
      if (isToGo(error, step.signal)) await scratch.discard();
      throw error;
    }
  };

/** The next attempt goes on with what is there, unless there will be none. */
function isToGo(error: unknown, signal: AbortSignal): boolean {
  if (signal.aborted) return signal.reason instanceof HoldfastError && signal.reason.code === 'cancelled';
  return !(error instanceof HoldfastError && error.isRetryable);
}

/** A scratch instance, or one in the place of the marked instance of the order. */
function openOne(deps: ScratchDeps, { order, step, talk }: Attempt): Promise<Scratch> {
  const { target, runId } = order;
  if (target === undefined) return openScratch(deps)(order, step);
  const ground = {
    prepare: () => takeTarget(deps.home, order, target, talk),
    discard: () => giveTargetBack(deps.home, runId, talk),
  };
  return openOn(deps, { request: order, step, ground });
}

interface Attempt {
  readonly order: DrillOrder;
  readonly step: StepContext;
  readonly talk: DrillTalk;
}

async function opened(deps: ScratchDeps, attempt: Attempt): Promise<Scratch> {
  try {
    return await openOne(deps, attempt);
  } catch (error) {
    const isForGood = error instanceof HoldfastError && !error.isRetryable && !isOfPerson(error);
    if (isForGood && !attempt.step.signal.aborted) {
      const detail = `${error.message} (${error.code})`;
      await attempt.talk.tell({
        checks: [{ name: 'opens', verdict: 'failed', detail, seconds: 0 }],
        secondsByPhase: {},
      });
    }
    throw error;
  }
}

const isOfPerson = ({ class: kind }: HoldfastError): boolean => kind === 'cancelled' || kind === 'bug';

interface Drilling {
  readonly deps: ScratchDeps;
  readonly order: DrillOrder;
  readonly step: StepContext;
  readonly scratch: Scratch;
  /** When the attempt began. */
  readonly from: number;
}

async function factsOf(drilling: Drilling): Promise<DrillFacts> {
  const { deps, scratch, from } = drilling;
  const { secondsByPhase: restored, reachedLsn, lastTransactionAt, timeline, bytesWritten } = scratch.report;
  const openedAt = deps.clock.nowMs();
  const fetch = ['prepare', 'write', 'log', 'prove'].reduce((sum, phase) => sum + (restored[phase] ?? 0), 0);
  const replay = restored['recover'] ?? 0;
  // A resumed attempt measures less than it took before: what was journalled counts.
  const open = Math.max(0, (openedAt - from) / 1000 - fetch - replay);
  const checks = await checksOf(drilling);
  return {
    checks,
    secondsByPhase: { fetch, replay, open, checks: (deps.clock.nowMs() - openedAt) / 1000 },
    ...(reachedLsn === undefined ? {} : { reachedLsn }),
    ...(lastTransactionAt === undefined ? {} : { lastTransactionAt }),
    ...{ timeline, bytesWritten },
  };
}

type Look = readonly [name: string, look: () => Promise<Finding | undefined>];

async function checksOf({ deps, order, step, scratch }: Drilling): Promise<readonly DrillCheck[]> {
  const { checks: asked } = order;
  const databases = await databasesOf(scratch);
  const { directory } = scratch;
  const looks: readonly Look[] = [
    ['opens', () => checkOpens(scratch, databases)],
    ['identity', () => checkIdentity(scratch, order)],
    ['reached', () => checkReached(scratch, order)],
    ['apart', () => checkApart(scratch, order)],
    ...looksIf(asked.isPageChecked, ['pages', () => checkPages(directory, order.plan.engine, step.signal)]),
    ...canaryLooks(scratch, order, step.signal),
    ...asked.sql.map((one, at): Look => [
      `sql: ${one.name}`,
      () => checkSql(scratch, one, { reader: readerOf(order.runId, at), signal: step.signal }),
    ]),
    // Last: it makes its extension in the restored instance for a while.
    ...looksIf(asked.isStructureChecked, [
      'structure',
      () => checkStructure((database) => scratch.session(database), databases, step.signal),
    ]),
  ];
  const done: DrillCheck[] = [];
  for (const [at, [name, look]] of looks.entries()) {
    step.report({ ...noProgress, phase: 'check', filesDone: at, filesTotal: looks.length });
    const check = await runCheck({ clock: deps.clock, step }, name, look);
    if (check !== undefined) done.push(check);
  }
  return done;
}

function canaryLooks(scratch: Scratch, { canary, canaryAbsent }: DrillOrder, signal: AbortSignal): readonly Look[] {
  if (canary !== undefined)
    return [
      ['canary', () => checkCanary(scratch, canary)],
      ['static-tables', () => checkStatic(scratch, canary, signal)],
    ];
  if (canaryAbsent === undefined) return [];
  const { verdict, why: detail } = canaryAbsent;
  return [['canary', () => Promise.resolve({ verdict, detail })]];
}

const looksIf = (isAsked: boolean, look: Look): readonly Look[] => (isAsked ? [look] : []);
