import type { RetentionPolicy } from '#core/care/policy.ts';

/** Whole numbers from 0 below n, the same for the same seed (mulberry32). */
export function drawing(seed: number): (n: number) => number {
  let state = seed >>> 0;
  return (n) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) % n;
  };
}

/** Policies of the model: one of each kind. */
export const policies: readonly RetentionPolicy[] = [
  { rule: { kind: 'fulls', count: 2 }, minimumFulls: 1 },
  { rule: { kind: 'window', days: 4 }, minimumFulls: 1 },
  { rule: { kind: 'generations', daily: 2, weekly: 2, monthly: 1, yearly: 1, zone: 'Asia/Shanghai' }, minimumFulls: 2 },
  { rule: { kind: 'fulls', count: 1 }, logDays: 2, minimumFulls: 1 },
];
