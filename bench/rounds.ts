import type { Contender, Measured, Work } from './contender.ts';

/** All measurements of one work of one contender, one entry a round. */
export interface Row {
  /** What it was done with, e.g. `20 000 relations`. */
  readonly scenario: string;
  /** Version of the server. */
  readonly server: string;
  readonly work: Work;
  readonly contender: Contender;
  readonly runs: Measured[];
}

export interface RoundsRequest {
  readonly scenario: string;
  readonly server: string;
  /** In this order; a restore takes what was backed up last. */
  readonly works: readonly Work[];
  /** Counted ones. */
  readonly rounds: number;
  readonly say: (text: string) => void;
}

/**
 * Lets all contenders do the same work in turns, in alternating order, so that neither side always finds the caches
 * the other one warmed. One round goes before and is not counted.
 */
export async function runRounds(
  contenders: readonly Contender[],
  { scenario, server, works, rounds, say }: RoundsRequest,
): Promise<readonly Row[]> {
  const rows = works.flatMap((work) =>
    contenders
      .filter((contender) => contender[work] !== undefined)
      .map((contender): Row => ({ scenario, server, work, contender, runs: [] })),
  );
  for (let round = 0; round <= rounds; round++) {
    const order = round % 2 === 0 ? contenders : contenders.toReversed();
    const turns = order.flatMap((contender) => rows.filter((row) => row.contender === contender));
    for (const { contender, work, runs } of turns) {
      const measured = await contender[work]?.(round);
      if (measured === undefined || round === 0) continue;
      runs.push(measured);
      say(`bench: ${scenario}, round ${String(round)}: ${contender.name} ${work} ${measured.ms.toFixed(0)} ms`);
    }
  }
  return rows;
}
