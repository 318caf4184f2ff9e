import { fail } from '../errors/fail.ts';

const unitSeconds = { s: 1, m: 60, h: 3600, d: 86_400 } as const;
const isUnit = (text: string | undefined): text is keyof typeof unitSeconds =>
  text !== undefined && Object.hasOwn(unitSeconds, text);

/** `90s`, `15m`, `1h`, `2d`, also together as `1h30m`, in seconds. Throws `value_malformed`. */
export function parseDuration(text: string): number {
  const parts = [...text.matchAll(/(\d{1,9})([smhd])/g)];
  const isWhole = parts.length > 0 && parts.map(([part]) => part).join('') === text;
  if (!isWhole) throw fail('value_malformed', { text, what: 'time', expected: '90s, 15m, 1h, 2d or 1h30m' });
  return parts.reduce((sum, [, count, unit]) => sum + Number(count) * (isUnit(unit) ? unitSeconds[unit] : 0), 0);
}

/** The two largest units that are not nothing: `1h30m`; `-` for null. */
export function durationText(seconds: number | null): string {
  if (seconds === null) return '-';
  let rest = Math.round(seconds);
  const parts: string[] = [];
  for (const [unit, size] of Object.entries(unitSeconds).reverse()) {
    const count = Math.floor(rest / size);
    rest -= count * size;
    if (count > 0) parts.push(`${String(count)}${unit}`);
  }
  return parts.length === 0 ? '0s' : parts.slice(0, 2).join('');
}
