import { setTimeout as sleep } from 'node:timers/promises';
import { fail } from '#core/errors/fail.ts';
import { HoldfastError } from '#core/errors/holdfast-error.ts';
import type { ObjectKey } from '#core/format/object-key.ts';
import type { ObjectInfo, ObjectStore } from '#core/ports/object-store.ts';
import type { StepContext } from '#core/ports/step.ts';

/** How often and how patiently; waits double from `firstWaitMs` to at most `longestWaitMs`. */
export interface RetryRule {
  readonly attempts: number;
  readonly firstWaitMs: number;
  readonly longestWaitMs: number;
  /** Goes on beyond `attempts` while a pool is away. */
  readonly patience?: Patience;
  /** Of the process when absent. */
  readonly time?: PassingTime;
}

/** By what waiting is measured and done: never put back, whatever happens to the clock of the host. */
export interface PassingTime {
  nowMs(): number;
  sleep(ms: number): Promise<unknown>;
}

/** K-084: how long one step bears that a pool is away, so that it keeps its SQL session and what it has begun. */
export interface Patience {
  /** Milliseconds from the first failure; then the error is `pool_lost`. */
  readonly ms: number;
  /** True when nobody waits for the outcome any more: the step then fails with what it has. */
  readonly shouldStop: () => boolean;
  /** Hears of the first failure of an outage. */
  readonly onAway?: (error: HoldfastError) => void;
}

/** About 6 s in all: longer outages are the business of `patience`, or of the workflow's retries. */
export const poolRetries: RetryRule = { attempts: 6, firstWaitMs: 200, longestWaitMs: 3000 };

/** The patience of a step is the reconnect time of its run; none when the step has none. */
export function patienceOf(step: Pick<StepContext, 'reconnectMs' | 'signal' | 'log'>): Patience | undefined {
  const { reconnectMs: ms } = step;
  if (ms === undefined) return undefined;
  return {
    ms,
    shouldStop: () => step.signal.aborted,
    onAway: ({ message }) => {
      step.log({ level: 'warn', message: `${message}; waiting for it, ${minutesText(ms)} min at most` });
    },
  };
}

/** The rule of pools with or without patience. */
export const retriesWith = (patience: Patience | undefined): RetryRule =>
  patience === undefined ? poolRetries : { ...poolRetries, patience };

/** Milliseconds as minutes with a tenth. */
export const minutesText = (ms: number): string => String(Math.round(ms / 6000) / 10);
const timeOfProcess: PassingTime = { nowMs: () => performance.now(), sleep: (ms) => sleep(ms) };
const isUnavailable = (error: unknown): error is HoldfastError =>
  error instanceof HoldfastError && error.class === 'unavailable';
/** Someone who waits looks this often whether he still should. */
const lookEveryMs = 200;

const hasPatience = ({ patience, time = timeOfProcess }: RetryRule, since: number): boolean =>
  patience !== undefined && time.nowMs() - since < patience.ms && !patience.shouldStop();

async function rest(rule: RetryRule, attempt: number): Promise<void> {
  const { time = timeOfProcess, patience } = rule;
  const until = time.nowMs() + Math.min(rule.firstWaitMs * 2 ** (attempt - 1), rule.longestWaitMs);
  for (let left = until - time.nowMs(); left > 0; left = until - time.nowMs()) {
    if (patience?.shouldStop() === true) return;
    await time.sleep(Math.min(left, lookEveryMs));
  }
}

/** What the patience ends with: the pool was away for all of it. Other trouble stays what it is. */
function lastWord(error: HoldfastError, { patience }: RetryRule): HoldfastError {
  if (patience === undefined || patience.shouldStop() || error.code !== 'pool_unreachable') return error;
  const { pool = '', why = '' } = error.params;
  return fail('pool_lost', { pool, minutes: minutesText(patience.ms), why }, error);
}

/** Failures of one step in a row: each is borne while it is `unavailable` and attempts or patience are left. */
class Failures {
  readonly #rule: RetryRule;
  #since: number | undefined;
  attempt = 1;

  constructor(rule: RetryRule) {
    this.#rule = rule;
  }

  /** Rests before the next attempt, or throws what this one ended with. */
  async bear(error: unknown): Promise<void> {
    const rule = this.#rule;
    if (!isUnavailable(error)) throw error;
    if (this.#since === undefined) rule.patience?.onAway?.(error);
    this.#since ??= (rule.time ?? timeOfProcess).nowMs();
    if (this.attempt >= rule.attempts && !hasPatience(rule, this.#since)) throw lastWord(error, rule);
    await rest(rule, this.attempt++);
  }

  /** The step went on: what fails next is a failure of its own. */
  forget(): void {
    this.#since = undefined;
    this.attempt = 1;
  }
}

/** Repeats a step while its error is `unavailable` and attempts or patience are left. */
export async function retrying<T>(rule: RetryRule, step: (attempt: number) => Promise<T>): Promise<T> {
  for (const failures = new Failures(rule); ;) {
    try {
      return await step(failures.attempt);
    } catch (error) {
      await failures.bear(error);
    }
  }
}

/** A listing that breaks begins again and leaves out what was told: it comes in key order. What its reader throws is not repeated. */
async function* listing(rule: RetryRule, list: () => AsyncIterable<ObjectInfo>): AsyncGenerator<ObjectInfo, void> {
  const failures = new Failures(rule);
  let items = list()[Symbol.asyncIterator]();
  const next = async (): Promise<IteratorResult<ObjectInfo, unknown>> => {
    for (;;) {
      try {
        return await items.next();
      } catch (error) {
        await failures.bear(error);
        items = list()[Symbol.asyncIterator]();
      }
    }
  };
  let told = '';
  try {
    for (let one = await next(); one.done !== true; one = await next()) {
      if (one.value.key <= told) continue;
      failures.forget();
      told = one.value.key;
      yield one.value;
    }
  } finally {
    await items.return?.();
  }
}

/** After a put whose answer was lost, `exists` may be our own object: it is, when the bytes are equal. */
async function putOnce(
  store: ObjectStore,
  key: ObjectKey,
  body: Uint8Array,
  attempt: number,
): Promise<'created' | 'exists'> {
  const outcome = await store.putIfAbsent(key, body);
  if (outcome === 'created' || attempt === 1) return outcome;
  const info = await store.head(key);
  if (info?.sizeBytes !== body.length) return 'exists';
  return Buffer.compare(await store.get(key), body) === 0 ? 'created' : 'exists';
}

/** Decorator: repeats what failed for want of a connection. */
export function withRetries(store: ObjectStore, rule: RetryRule = poolRetries): ObjectStore {
  const { renewProtection: renew } = store;
  return {
    ...(renew === undefined ? {} : { renewProtection: (keys, as) => retrying(rule, () => renew(keys, as)) }),
    isPutAtOnce: store.isPutAtOnce === true,
    putIfAbsent: (key, body) => retrying(rule, (attempt) => putOnce(store, key, body, attempt)),
    get: (key, range) => retrying(rule, () => store.get(key, range)),
    head: (key) => retrying(rule, () => store.head(key)),
    list: (prefix) => listing(rule, () => store.list(prefix)),
    remove: (keys) => retrying(rule, () => store.remove(keys)),
    // Never repeated: the second sync of lost bytes succeeds.
    barrier: (also) => store.barrier(also),
    secure: (key) => retrying(rule, () => store.secure(key)),
    freeBytes: () => store.freeBytes(),
    close: () => store.close(),
  };
}
