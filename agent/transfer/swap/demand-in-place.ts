import { fail } from '#core/errors/fail.ts';
import type { Placed } from '#core/transfer/task.ts';
import { placedText } from '#core/transfer/task.ts';
import type { Session } from '#agent/database/session.ts';
import { isInPlace, standingsIn } from './standing.ts';

/** The last look inside the transaction of a swap: what was planned is what lies there. Throws `transfer_swap_refused`. */
export async function demandInPlace(session: Session, placed: readonly Placed[]): Promise<void> {
  const wrong = (await standingsIn(session, placed)).filter((one) => !isInPlace(one));
  if (wrong.length === 0) return;
  const name = wrong.map(({ one }) => placedText(one)).join(', ');
  throw fail('transfer_swap_refused', { name, reason: 'it was renamed, made or dropped by somebody else meanwhile' });
}
