/** Oldest agent that this server works with; older ones are refused with `agent_too_old`. */
export const oldestAgentVersion = '0.1.0';

const numbers = (version: string): readonly number[] => version.split(/[.+-]/).slice(0, 3).map(Number);

/** Whether a version `a.b.c` is older than another; what follows the third number does not count. */
export function isOlderVersion(version: string, than: string): boolean {
  const [a, b] = [numbers(version), numbers(than)];
  for (let i = 0; i < 3; i++) {
    const difference = (a[i] ?? 0) - (b[i] ?? 0);
    if (difference !== 0) return difference < 0;
  }
  return false;
}
