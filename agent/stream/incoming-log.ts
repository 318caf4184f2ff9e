import type { Clock } from '#core/ports/clock.ts';
import type { StreamSink } from './start-replication.ts';

/** A segment that came whole. */
export interface FullSegment {
  /** Byte position of its begin. */
  readonly from: number;
  readonly bytes: Uint8Array;
}

/** The log as it arrives: whole segments in order, and the one that is being filled. */
export class IncomingLog implements StreamSink {
  readonly full: FullSegment[] = [];
  /** Byte position behind the last byte that came. */
  received: number;
  lastHeardMs: number;
  wasAsked = false;
  /** Position at which the server left the order, a breach of the protocol. */
  strayAt: number | undefined;
  /** Called when a segment became whole. */
  whenFull: () => void = () => undefined;
  readonly #segmentBytes: number;
  readonly #clock: Clock;
  #bytes: Uint8Array;

  /** `from` is the begin of a segment. */
  constructor(from: number, segmentBytes: number, clock: Clock) {
    this.received = from;
    this.#segmentBytes = segmentBytes;
    this.#clock = clock;
    this.#bytes = new Uint8Array(segmentBytes);
    this.lastHeardMs = clock.nowMs();
  }

  onLog(from: number, bytes: Uint8Array): void {
    if (from !== this.received) {
      this.strayAt ??= from;
      return;
    }
    for (let taken = 0; taken < bytes.length;) {
      const at = this.received % this.#segmentBytes;
      const part = bytes.subarray(taken, taken + this.#segmentBytes - at);
      this.#bytes.set(part, at);
      taken += part.length;
      this.received += part.length;
      if (this.received % this.#segmentBytes === 0) this.#finish();
    }
  }

  onAsked(): void {
    this.wasAsked = true;
  }

  onAlive(): void {
    this.lastHeardMs = this.#clock.nowMs();
  }

  /** A copy of the segment that is being filled, zeros behind what came; undefined when nothing of it came. */
  tail(): FullSegment | undefined {
    const filled = this.received % this.#segmentBytes;
    if (filled === 0) return undefined;
    return { from: this.received - filled, bytes: this.#bytes.slice() };
  }

  #finish(): void {
    this.full.push({ from: this.received - this.#segmentBytes, bytes: this.#bytes });
    this.#bytes = new Uint8Array(this.#segmentBytes);
    this.whenFull();
  }
}
