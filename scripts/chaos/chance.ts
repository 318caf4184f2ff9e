/** Draws that a seed repeats. */
export interface Chance {
  /** From 0 up to below `end`. */
  below(end: number): number;
  oneOf<T>(things: readonly [T, ...T[]]): T;
}

const two32 = 4_294_967_296;

/** Mulberry32: 32 bits of state are plenty to place a few hundred kills. */
export function openChance(seed: number): Chance {
  let state = seed >>> 0;
  const draw = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / two32;
  };
  return {
    below: (end) => draw() * end,
    oneOf: (things) => things[Math.floor(draw() * things.length)] ?? things[0],
  };
}
