import type { SegmentReading } from '#core/wal/segment-reading.ts';
import type { LogName, LogSealer } from '#agent/sets/seal-log.ts';
import type { LogMemory } from '#agent/wasm/log-memory.ts';

/** What the threads of a log backup share. */
export interface SharedLog {
  readonly memory: LogMemory;
  /** As many rooms of `sealedBytes` as there are slots, for what is sealed. */
  readonly sealed: SharedArrayBuffer;
  readonly sealedBytes: number;
}

/** A segment in its slot. */
export interface SlotBytes {
  readonly slot: number;
  /** How many bytes of the slot are the segment. */
  readonly bytes: number;
}

/** What a sealing thread is started with. */
export interface SealSettings {
  readonly shared: SharedLog;
  readonly pool: LogSealer;
  /** zstd 1–22 or 0. */
  readonly level: number;
}

export interface ToSeal extends SlotBytes {
  readonly log: LogName;
}

/** `storedBytes` lie in the room of the slot. */
export interface Sealed {
  readonly storedBytes: number;
  readonly rawSha256: string;
  readonly storedSha256: string;
}

/** What the scanning thread is asked: to fill a slot, to check what lies there, to sum it up, to look at bytes that no slot holds. */
export type ToScan =
  | { readonly kind: 'read'; readonly file: string; readonly slot: number }
  | ({ readonly kind: 'check' } & SlotBytes)
  | ({ readonly kind: 'hash' } & SlotBytes)
  | { readonly kind: 'prime'; readonly bytes: Uint8Array };

/** `bytes` is the length of the file, which may be more than the slot; undefined when it is gone. */
export interface ReadAnswer {
  readonly bytes?: number;
  /** Why it cannot be read. */
  readonly why?: string;
}

/** `references` are lines of docs/format.md §6; none when the bytes are no log. */
export interface CheckAnswer {
  readonly reading?: SegmentReading;
  readonly references: readonly string[];
}

export interface Asked<T> {
  readonly task: number;
  readonly what: T;
}

/** Errors cross the thread border as code and parameters: class identity does not survive it. */
export interface Failure {
  readonly code: string;
  readonly params: Readonly<Record<string, string>>;
  readonly stack: string;
}

export type Answered<A> = Asked<A> | { readonly task: number; readonly failure: Failure };
