import type { Contender, Measured } from './contender.ts';

/** All measurements of one contender, one entry a round. */
export interface Result {
  readonly contender: Contender;
  readonly full: Measured[];
  readonly restore: Measured[];
}

/**
 * Lets all contenders do the same work in turns, in alternating order, so that neither side always finds the caches
 * the other one warmed. One full backup each goes before and is not counted.
 */
export async function runRounds(
  contenders: readonly [Contender, ...Contender[]],
  rounds: number,
  say: (text: string) => void,
): Promise<[Result, ...Result[]]> {
  const resultOf = (contender: Contender): Result => ({ contender, full: [], restore: [] });
  const [ours, ...peers] = contenders;
  const results: [Result, ...Result[]] = [resultOf(ours), ...peers.map(resultOf)];
  for (let round = 0; round <= rounds; round++) {
    const order = round % 2 === 0 ? results : results.toReversed();
    for (const { contender, full, restore } of order) {
      const taken = await contender.full(round);
      const restored = await contender.restore?.(round);
      if (round === 0) continue;
      full.push(taken);
      if (restored !== undefined) restore.push(restored);
      const tail = restored === undefined ? '' : `, restore ${restored.ms.toFixed(0)} ms`;
      say(`bench: round ${String(round)} ${contender.name}: full ${taken.ms.toFixed(0)} ms${tail}`);
    }
  }
  return results;
}
