import { expect, test } from 'vitest';
import { fail } from '#core/errors/fail.ts';
import { formatId } from '#core/id.ts';
import { demandOpenStream } from './stream-gate.ts';

const over = fail('run_over', { run: formatId('run', 1, new Uint8Array(10)) });
const cancelled = fail('cancelled', { what: 'the stream' });

test('K-084 a stream commits nothing for a run that was given up, whoever finds that out', async () => {
  const abort = new AbortController();
  const open = demandOpenStream({ signal: abort.signal, demandOpen: () => Promise.reject(over) });
  await expect(open()).rejects.toBe(over);
  abort.abort(over);
  await expect(demandOpenStream({ signal: abort.signal })()).rejects.toBe(over);
});

test('a stream that is told to end commits its last log, also when that is told while the gate asks', async () => {
  const abort = new AbortController();
  const demandOpen = (): Promise<void> => {
    abort.abort(cancelled);
    return Promise.reject(cancelled);
  };
  let asked = 0;
  await demandOpenStream({ signal: abort.signal, demandOpen })();
  await demandOpenStream({ signal: abort.signal, demandOpen: () => Promise.resolve(void (asked += 1)) })();
  expect(asked).toBe(0);
});
