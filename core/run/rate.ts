/** Limits of a run in bytes per second; undefined = unlimited. K-085 transfer = to the pool; K-086 disk = read (backup) or write (restore). */
export interface RateLimits {
  readonly transferBytesPerSecond?: number;
  readonly diskBytesPerSecond?: number;
}
