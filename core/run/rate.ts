import type { RateWindow } from './rate-window.ts';
import { limitAt } from './rate-window.ts';

/**
 * Limits of a run, in bytes per second: a rate, and windows of the week in which another one holds. 0 and absent mean
 * unlimited. K-085 transfer = to and from the pool; K-086, K-110 disk = read (backup) or written (restore).
 */
export interface RateLimits {
  readonly transferBytesPerSecond?: number;
  readonly transferWindows?: readonly RateWindow[];
  readonly diskBytesPerSecond?: number;
  readonly diskWindows?: readonly RateWindow[];
}

/** What a step may use at this moment: an absent rate is unlimited. While it is paused nothing may pass at all. */
export interface RatesNow {
  readonly transferBytesPerSecond?: number;
  readonly diskBytesPerSecond?: number;
  readonly isPaused?: boolean;
}

/** The rates in force at a moment, in milliseconds since 1970. */
export function ratesAt(limits: RateLimits, atMs: number): RatesNow {
  const transfer = limitAt(limits.transferWindows ?? [], limits.transferBytesPerSecond, atMs);
  const disk = limitAt(limits.diskWindows ?? [], limits.diskBytesPerSecond, atMs);
  return {
    ...(transfer === undefined ? {} : { transferBytesPerSecond: transfer }),
    ...(disk === undefined ? {} : { diskBytesPerSecond: disk }),
  };
}

const transferOf = ({ transferBytesPerSecond: rate, transferWindows: windows }: RateLimits): RateLimits => ({
  ...(rate === undefined ? {} : { transferBytesPerSecond: rate }),
  ...(windows === undefined ? {} : { transferWindows: windows }),
});

const diskOf = ({ diskBytesPerSecond: rate, diskWindows: windows }: RateLimits): RateLimits => ({
  ...(rate === undefined ? {} : { diskBytesPerSecond: rate }),
  ...(windows === undefined ? {} : { diskWindows: windows }),
});

/** Limits after an operator changed them: what the change does not speak of, transfer or disk, stays as it was. */
export function changedLimits(before: RateLimits, change: RateLimits): RateLimits {
  const chosen = (of: (limits: RateLimits) => RateLimits): RateLimits =>
    Object.keys(of(change)).length > 0 ? of(change) : of(before);
  return { ...chosen(transferOf), ...chosen(diskOf) };
}

/** The transfer rate for a token bucket: undefined = unlimited, 0 = nothing passes for now. */
export const transferNow = ({ isPaused, transferBytesPerSecond }: RatesNow): number | undefined =>
  isPaused === true ? 0 : transferBytesPerSecond;

/** The same for the disk. */
export const diskNow = ({ isPaused, diskBytesPerSecond }: RatesNow): number | undefined =>
  isPaused === true ? 0 : diskBytesPerSecond;
