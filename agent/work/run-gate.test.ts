import { expect, test } from 'vitest';
import { fail } from '#core/errors/fail.ts';
import { formatId } from '#core/id.ts';
import type { HooksOfRun } from '#core/hooks/hook.ts';
import type { LogLine } from '#core/run/progress.ts';
import type { Witness } from './run-gate.ts';
import { apiWitness, openRunGate } from './run-gate.ts';

const runId = formatId('run', 1, new Uint8Array(10));
const hostId = formatId('host', 1, new Uint8Array(10));

/** Answers one after the other, the last one for ever. */
const saying = (...answers: readonly (boolean | undefined)[]): Witness => {
  let at = 0;
  return () => Promise.resolve(answers[Math.min(at++, answers.length - 1)]);
};

function stepOf(signal = new AbortController().signal) {
  const lines: LogLine[] = [];
  return { lines, step: { runId, signal, log: (line: LogLine) => void lines.push(line) } };
}

test('K-084 the first witness that can be asked says whether a run is open still', async () => {
  const { step, lines } = stepOf();
  await openRunGate([saying(true), saying(false)], 1)(step);
  await openRunGate([saying(undefined), saying(true)], 1)(step);
  await expect(openRunGate([saying(undefined), saying(false)], 1)(step)).rejects.toMatchObject({ code: 'run_over' });
  expect(lines).toEqual([]);
});

test('K-084 while nobody can be asked nothing is finished, which is told once, and a cancel ends the waiting', async () => {
  const { step, lines } = stepOf();
  await openRunGate([saying(undefined, undefined, true), saying(undefined)], 1)(step);
  expect(lines.map(({ message }) => message)).toEqual([
    'neither the API nor Temporal answers: waiting to hear that the run is still open',
  ]);
  const abort = new AbortController();
  const waiting = openRunGate([saying(undefined)], 60_000)(stepOf(abort.signal).step);
  abort.abort(fail('cancelled', { what: 'the work' }));
  await expect(waiting).rejects.toMatchObject({ code: 'cancelled' });
});

test('K-084 the API says "over" of a run only by refusing its order; that it is away says nothing', async () => {
  const ask = (answer: Promise<HooksOfRun>) => apiWitness({ hooks: () => answer })(runId);
  expect(await ask(Promise.reject(fail('order_refused', { run: runId, host: hostId })))).toBe(false);
  expect(await ask(Promise.reject(fail('api_unavailable', { url: 'u', request: 'r', cause: 'c' })))).toBeUndefined();
});
