import type { LogName, LogSealer, SealedLog } from '#agent/sets/log-objects.ts';

/** One segment for a sealing thread; the buffer of `raw` is transferred. */
export interface ToSealThread {
  readonly task: number;
  readonly pool: LogSealer;
  readonly log: LogName;
  readonly raw: Uint8Array<ArrayBuffer>;
  /** zstd 1–22 or 0. */
  readonly level: number;
}

/** The sealed segment, and the buffer of its raw bytes back. */
export interface FromSealThread {
  readonly task: number;
  readonly sealed: SealedLog;
  readonly raw: Uint8Array<ArrayBuffer>;
}
