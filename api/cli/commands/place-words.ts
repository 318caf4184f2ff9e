import type { Finding } from '#core/agent/inspection.ts';
import { fail } from '#core/errors/fail.ts';
import { tableOf } from '../terminal.ts';

/** What was found at the place just now. */
export const placeText = (findings: readonly Finding[]): string =>
  tableOf(
    ['', 'PLACE', 'FOUND', 'WHAT TO DO'],
    findings.map(({ verdict, check, detail, hint }) => [verdict, check, detail, hint]),
  );

/** Throws `place_unready` when a check of the place failed: exit code 3 after all was printed. */
export function demandReady(findings: readonly Finding[]): void {
  const failed = findings.filter(({ verdict }) => verdict === 'fail').map(({ check }) => check);
  if (failed.length > 0) throw fail('place_unready', { checks: failed.join(', ') });
}
