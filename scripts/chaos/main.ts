/** `npm run chaos -- --minutes N --seed S [--json]`: kill -9 of every part over a load of every kind of run; 1 on any wrong end. */
import { parseArgs } from 'node:util';
import { fail } from '#core/errors/fail.ts';
import { HoldfastError } from '#core/errors/holdfast-error.ts';
import { endingSignal } from '../supervisor/lifetime.ts';
import { playCourse } from './course.ts';
import { histogramLines, verdictLines } from './print.ts';
import { histogramOf, verdictOf } from './record.ts';

/** Exit code of a program that was ended by Ctrl-C. */
const interrupted = 130;
const seedRange = 1_000_000_007;

function positive(text: string, what: string): number {
  const value = Number(text);
  if (Number.isFinite(value) && value > 0) return value;
  throw fail('value_malformed', { text, what, expected: 'a number above 0' });
}

function optionsFrom(args: readonly string[]) {
  const { values } = parseArgs({
    args: [...args],
    options: {
      minutes: { type: 'string', default: '3' },
      seed: { type: 'string' },
      json: { type: 'boolean', default: false },
      keep: { type: 'boolean', default: false },
    },
  });
  const given = values.seed ?? process.env['HOLDFAST_CHAOS_SEED'] ?? String(1 + (Date.now() % seedRange));
  return {
    minutes: positive(values.minutes, 'minutes of the harness'),
    seed: Math.floor(positive(given, 'seed of the harness')),
    isJson: values.json,
    isKept: values.keep,
  };
}

async function main(signal: AbortSignal): Promise<number> {
  const { isJson, ...options } = optionsFrom(process.argv.slice(2));
  const say = (line: string): void => {
    process[isJson ? 'stderr' : 'stdout'].write(`${line}\n`);
  };
  say(`chaos: --minutes ${String(options.minutes)} --seed ${String(options.seed)}`);
  const chronicle = await playCourse({ ...options, say, signal });
  const [histogram, verdict] = [histogramOf(chronicle.kills), verdictOf(chronicle)];
  for (const line of ['', ...histogramLines(histogram), '', ...verdictLines(verdict)]) say(line);
  for (const { episode, what } of chronicle.wrongs) say(`  episode ${String(episode)}: ${what}`);
  const { seed, minutes } = options;
  if (isJson) {
    const { wrongs } = chronicle;
    process.stdout.write(`${JSON.stringify({ ok: verdict.isRight, seed, minutes, ...verdict, histogram, wrongs })}\n`);
  }
  return verdict.isRight ? 0 : 1;
}

const ending = endingSignal();
process.exitCode = await main(ending).catch((error: unknown) => {
  if (ending.aborted) {
    process.stderr.write(`Stopped (${String(ending.reason)}).\n`);
    return interrupted;
  }
  const text = error instanceof HoldfastError ? `${error.message}\n${error.hint}` : String(error);
  process.stderr.write(`${text}\n`);
  return 1;
});
// Why: a library's timer may still hold the event loop; everything of ours has ended.
process.exit();
