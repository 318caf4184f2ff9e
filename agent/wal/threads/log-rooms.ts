import { collectGarbage } from '#agent/tune-v8.ts';
import { newLogMemory } from '#agent/wasm/log-memory.ts';

/** Memory of one log backup: for its segments, and for what they are sealed into. */
export interface LogRoom {
  readonly memory: WebAssembly.Memory;
  readonly sealed: SharedArrayBuffer;
}

/** Bytes of each; those of `memory` a multiple of 64 KiB. */
interface RoomBytes {
  readonly memory: number;
  readonly sealed: number;
}

const bytesOf = ({ memory, sealed }: LogRoom): RoomBytes => ({
  memory: memory.buffer.byteLength,
  sealed: sealed.byteLength,
});

const serves = (room: LogRoom | undefined, wanted: RoomBytes): boolean =>
  room !== undefined && bytesOf(room).memory >= wanted.memory && bytesOf(room).sealed >= wanted.sealed;

/**
 * Hands the memory of a log backup that ended to the next one. Why: the engine does not count shared memory as its own and
 * sees no reason to collect it, so that an agent that made new memory for each run would grow with every run.
 */
export class LogRooms {
  /** How many were made. */
  made = 0;
  /** The one room that stays when nobody uses it. */
  #kept: LogRoom | undefined;
  /** What others gave back and was not collected yet: memory that is there anyhow. */
  #left: readonly WeakRef<LogRoom>[] = [];
  readonly #collect: () => void;

  /** `collect` finds what nobody refers to any more. */
  constructor(collect: () => void) {
    this.#collect = collect;
  }

  /** For one user, until it is given back. A larger one than is wanted serves too. */
  take(wanted: RoomBytes): LogRoom {
    const kept = this.#kept;
    if (kept !== undefined && serves(kept, wanted)) {
      this.#kept = undefined;
      return kept;
    }
    const left = this.#left.map((each) => each.deref()).find((room) => serves(room, wanted));
    if (left !== undefined) {
      this.#left = this.#left.filter((each) => each.deref() !== left);
      return left;
    }
    // Too small for what is needed now, and so for what will be kept.
    if (kept !== undefined) this.#leave(kept);
    this.#kept = undefined;
    this.made++;
    return { memory: newLogMemory(wanted.memory), sealed: new SharedArrayBuffer(wanted.sealed) };
  }

  /** Nothing may read or write it any more. The larger one is kept. */
  giveBack(room: LogRoom): void {
    const other = this.#kept;
    const isLarger = other === undefined || bytesOf(room).memory > bytesOf(other).memory;
    this.#kept = isLarger ? room : other;
    const rest = isLarger ? other : room;
    if (rest !== undefined) this.#leave(rest);
  }

  /** Gives the room that nobody uses back to the system: whoever calls this needs the memory more. */
  letGo(): void {
    if (this.#kept === undefined) return;
    // Why no weak reference: it would keep the room until this turn of the event loop is over.
    this.#kept = undefined;
    this.#collect();
  }

  #leave(room: LogRoom): void {
    this.#left = [...this.#left.filter((each) => each.deref() !== undefined), new WeakRef(room)];
  }
}

/** Those of this process. */
export const logRooms = new LogRooms(collectGarbage);
