const mebibyte = 1_048_576;

/**
 * K-110 resume buffer, in bytes: what one channel may have under way to a pool before the pool acknowledges it. No object
 * of a set is larger, so a kill loses at most channels × this; what was acknowledged is never sent again.
 */
export const resumeBuffer = {
  least: 2 * mebibyte,
  usual: 10 * mebibyte,
  most: 64 * mebibyte,
} as const;
