/** `npm run demo`: the whole story once, on embedded parts, ending with proof. `--json` prints one line at the end. */
import { once } from 'node:events';
import { parseArgs } from 'node:util';
import { bug, fail } from '#core/errors/fail.ts';
import { HoldfastError } from '#core/errors/holdfast-error.ts';
import { endingSignal } from '../supervisor/lifetime.ts';
import { checkNames } from './checks.ts';
import { printProof } from './print.ts';
import type { Stage, StageOptions } from './stage.ts';
import { openStage } from './stage.ts';
import { playStory } from './story.ts';

/** Exit code of a program that was ended by Ctrl-C. */
const interrupted = 130;
const majors = [12, 13, 14, 15, 16, 17, 18] as const;

interface DemoOptions extends StageOptions {
  readonly isJson: boolean;
}

const expected = '--pool local or s3, --pg 12 to 18, --size <MiB>, --json, --keep';

function parsed(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        pool: { type: 'string', default: 'local' },
        pg: { type: 'string', default: '18' },
        size: { type: 'string', default: '400' },
        json: { type: 'boolean', default: false },
        keep: { type: 'boolean', default: false },
      },
    }).values;
  } catch (cause) {
    throw fail('value_malformed', { text: args.join(' '), what: 'command line of the demo', expected }, cause);
  }
}

function optionsFrom(args: readonly string[], signal: AbortSignal): DemoOptions {
  const values = parsed(args);
  const major = majors.find((known) => String(known) === values.pg);
  if (values.pool !== 'local' && values.pool !== 's3') {
    throw fail('value_malformed', { text: values.pool, what: 'pool of the demo', expected: 'local or s3' });
  }
  if (major === undefined) {
    throw fail('value_malformed', { text: values.pg, what: 'PostgreSQL version', expected: '12 to 18' });
  }
  const dataMiB = Number(values.size);
  if (!Number.isInteger(dataMiB) || dataMiB < 64) {
    throw fail('value_malformed', { text: values.size, what: 'size of the demo in MiB', expected: 'a number from 64' });
  }
  const sabotage = process.env['HOLDFAST_SABOTAGE'];
  if (sabotage !== undefined && !checkNames.some((name) => name === sabotage)) {
    throw fail('value_malformed', { text: sabotage, what: 'check of the demo', expected: checkNames.join(', ') });
  }
  const isJson = values.json;
  const say = (line: string): void => {
    process[isJson ? 'stderr' : 'stdout'].write(`${line}\n`);
  };
  return { pool: values.pool, major, dataMiB, isKept: values.keep, sabotage, say, isJson, signal };
}

async function tell(stage: Stage, { isJson }: DemoOptions): Promise<number> {
  const broken = stage.stack.broken.then((part): never => {
    throw bug(`${part} ended by itself during the demo`);
  });
  const proof = await Promise.race([playStory(stage), broken]);
  printProof(stage, proof);
  const { checks, timings } = stage;
  const report = proof.drill.page;
  if (isJson) process.stdout.write(`${JSON.stringify({ ok: checks.isOk, checks: checks.all(), timings, report })}\n`);
  return checks.isOk ? 0 : 1;
}

/** 0 when everything is proved, 1 when not, 130 when somebody ended it. Whatever happens, what it started is stopped. */
async function main(): Promise<number> {
  const ending = endingSignal();
  try {
    return await play(optionsFrom(process.argv.slice(2), ending));
  } catch (error) {
    // Why: whatever breaks while we are ended breaks because of it.
    if (!ending.aborted) throw error;
    process.stderr.write(`Stopped (${String(ending.reason)}).\n`);
    return interrupted;
  }
}

async function play(options: DemoOptions): Promise<number> {
  const { signal } = options;
  const stage = await openStage(options);
  try {
    if (signal.aborted) return interrupted;
    const asked = once(signal, 'abort').then(() => interrupted);
    const told = await Promise.race([tell(stage, options), asked]);
    if (told === 1) stage.keepFailed();
    return told;
  } catch (error) {
    if (!signal.aborted) stage.keepFailed();
    throw error;
  } finally {
    if (signal.aborted) process.stderr.write(`Stopping (${String(signal.reason)}).\n`);
    await stage.close();
  }
}

process.exitCode = await main().catch((error: unknown) => {
  const text = error instanceof HoldfastError ? `${error.message}\n${error.hint}` : String(error);
  process.stderr.write(`${text}\n`);
  return 1;
});
// Why: a library's timer may still hold the event loop; everything of ours has ended.
process.exit();
