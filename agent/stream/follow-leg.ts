import { setTimeout as pause } from 'node:timers/promises';
import { fail } from '#core/errors/fail.ts';
import type { Clock } from '#core/ports/clock.ts';
import type { StepContext } from '#core/ports/step.ts';
import { formatLsn } from '#core/wal/lsn.ts';
import type { Session } from '#agent/database/session.ts';
import { codeOf } from '#agent/file-system.ts';
import type { CoveredMark } from './covered-mark.ts';
import { takeMark } from './covered-mark.ts';
import { IncomingLog } from './incoming-log.ts';
import type { Replication } from './open-replication.ts';
import { streamError } from './open-replication.ts';
import type { StartReplication } from './start-replication.ts';
import type { StreamedBranch } from './streamed-branch.ts';

export interface FollowedLeg {
  readonly slot: string;
  readonly timeline: number;
  /** Begin of a segment. */
  readonly from: number;
  readonly segmentBytes: number;
}

export interface FollowDeps {
  readonly clock: Clock;
  readonly replication: Replication;
  /** Tells the time of the server and where it writes. */
  readonly session: Session;
  readonly step: StepContext;
  readonly branch: StreamedBranch;
  /** How often the unfinished segment is committed. */
  readonly tailMs: number;
  /** From now on there may be log that came and is not committed. */
  onReceiving(): void;
  /** All that came is committed, up to its last whole record, and nothing comes any more. */
  onSettled(): void;
}

/** How a leg ended: the server left the timeline, or it does not have the log where the leg begins any more. */
export type EndOfLeg = 'left' | 'removed';

const lookMs = 50;
const statusMs = 5000;
/** The server answers each of our words; after so long without one the line is dead. */
const silentMs = 60_000;
/** So many whole segments may wait for the pool before the server has to. */
const mostWaiting = 4;
/** How long a tail waits for the log of the moment at which it was due. */
const markWaitMs = 2000;

/**
 * Receives the log of one timeline and commits it: whole segments at once, the unfinished one every `tailMs`. What the pool
 * holds durably is confirmed to the server, so that the slot keeps exactly what it does not. Ends with the timeline, or with
 * the reason of the signal after the last bit was committed. Throws `instance_unreachable`, `stream_refused`,
 * `stream_out_of_order`, and what committing throws.
 */
export async function followLeg(deps: FollowDeps, leg: FollowedLeg): Promise<EndOfLeg> {
  const incoming = new IncomingLog(leg.from, leg.segmentBytes, deps.clock);
  await deps.branch.begin(leg.from);
  deps.onReceiving();
  const stream = deps.replication.start(leg, incoming);
  incoming.whenFull = () => {
    if (incoming.full.length >= mostWaiting) stream.pause();
  };
  const state: { end?: { readonly error?: unknown } } = {};
  stream.ended.then(
    () => (state.end = {}),
    (error: unknown) => (state.end = { error }),
  );
  const follower = new Follower(deps, leg, { incoming, stream });
  while (state.end === undefined && !deps.step.signal.aborted) await follower.turn();
  const error = state.end?.error;
  if (error !== undefined && codeOf(error) === '58P01') return 'removed';
  await follower.drain();
  await follower.tail();
  deps.onSettled();
  deps.step.signal.throwIfAborted();
  if (error !== undefined) throw streamError(error, deps.session.instance);
  return 'left';
}

interface Line {
  readonly incoming: IncomingLog;
  readonly stream: StartReplication;
}

class Follower {
  readonly #deps: FollowDeps;
  readonly #leg: FollowedLeg;
  readonly #incoming: IncomingLog;
  readonly #stream: StartReplication;
  #statusAt = -Infinity;
  #tailAt: number;

  constructor(deps: FollowDeps, leg: FollowedLeg, { incoming, stream }: Line) {
    this.#deps = deps;
    this.#leg = leg;
    this.#incoming = incoming;
    this.#stream = stream;
    this.#tailAt = deps.clock.nowMs();
  }

  /** Looks once at everything that may be due. */
  async turn(): Promise<void> {
    const { clock, step, tailMs } = this.#deps;
    this.#demandOrder();
    if (step.limits().isPaused === true) await this.#rest();
    if (this.#incoming.full.length > 0) {
      await this.drain();
      this.#confirm();
    }
    if (clock.nowMs() - this.#tailAt >= tailMs) {
      await this.#timedTail();
      this.#confirm();
    }
    if (this.#incoming.wasAsked || clock.nowMs() - this.#statusAt >= statusMs) this.#confirm();
    await this.#wait(lookMs);
  }

  /** Stores and commits every whole segment that came. */
  async drain(): Promise<void> {
    const { full } = this.#incoming;
    if (full.length === 0) return;
    for (let segment = full.shift(); segment !== undefined; segment = full.shift()) {
      await this.#deps.branch.takeWhole(segment);
      if (full.length < mostWaiting) this.#stream.resume();
    }
    await this.#deps.branch.commit();
    // Why: what waited in the socket meanwhile is no silence.
    this.#incoming.onAlive();
  }

  async tail(mark?: CoveredMark): Promise<void> {
    const tail = this.#incoming.tail();
    if (tail === undefined) await this.#deps.branch.cover(mark);
    else await this.#deps.branch.takeTail(tail, mark);
  }

  async #timedTail(): Promise<void> {
    const { clock, session } = this.#deps;
    this.#tailAt = clock.nowMs();
    const mark = await takeMark(session, this.#leg.segmentBytes);
    const until = clock.nowMs() + markWaitMs;
    while (this.#incoming.received < mark.position && clock.nowMs() < until && !this.#deps.step.signal.aborted)
      await this.#wait(lookMs);
    await this.drain();
    await this.tail(mark);
  }

  /** A paused run reads nothing: the server waits, and hears that we live. */
  async #rest(): Promise<void> {
    const { step } = this.#deps;
    this.#stream.pause();
    while (step.limits().isPaused === true && !step.signal.aborted) {
      this.#incoming.onAlive();
      if (this.#deps.clock.nowMs() - this.#statusAt >= statusMs) this.#confirm();
      await this.#wait(lookMs);
    }
    this.#stream.resume();
  }

  #confirm(): void {
    const { clock, branch } = this.#deps;
    this.#statusAt = clock.nowMs();
    this.#incoming.wasAsked = false;
    const { received } = this.#incoming;
    const durable = Math.min(branch.committed, received);
    this.#stream.confirm({ received, durable, atMs: clock.nowMs(), wantsReply: true });
  }

  #demandOrder(): void {
    const { session, clock } = this.#deps;
    const { strayAt, received, lastHeardMs } = this.#incoming;
    const { instance } = session;
    if (strayAt !== undefined)
      throw fail('stream_out_of_order', { instance, found: formatLsn(strayAt), expected: formatLsn(received) });
    if (clock.nowMs() - lastHeardMs > silentMs)
      throw fail('instance_unreachable', {
        instance,
        reason: `it was silent for ${String(silentMs / 1000)} s in the middle of the stream`,
      });
  }

  async #wait(ms: number): Promise<void> {
    await pause(ms);
  }
}
