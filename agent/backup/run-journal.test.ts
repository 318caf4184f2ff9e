import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { parseId } from '#core/id.ts';
import type { AcknowledgedPiece } from '#agent/copy/copy-request.ts';
import { openRunJournal } from './run-journal.ts';

const runId = parseId('run', `run_${'1'.repeat(32)}`);
let home: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'hf-journal-'));
});
afterEach(() => {
  rmSync(home, { recursive: true });
});

const piece = (number: number): AcknowledgedPiece => ({
  piece: { piece: number, attempt: parseId('try', `try_${'2'.repeat(32)}`), storedBytes: 100 },
  frames: [{ offset: 0, storedBytes: 100, rawBytes: 300, sha256: 'aa' }],
  extents: [{ path: 'base/5/1', from: 0, length: 300, hash: 'bb', frame: 0, offset: 0 }],
});
const path = (name: string): string => join(home, 'runs', runId, name);

test('remembers acknowledged pieces over attempts and forgets the line that was being written at a kill', () => {
  const first = openRunJournal(home, runId);
  first.append(piece(1));
  first.append(piece(2));
  first.close();
  appendFileSync(path('acknowledged.ndjson'), JSON.stringify(piece(3)).slice(0, 40));
  const second = openRunJournal(home, runId);
  expect(second.acknowledged).toEqual([piece(1), piece(2)]);
  second.append(piece(4));
  second.close();
  const third = openRunJournal(home, runId);
  expect(third.acknowledged).toEqual([piece(1), piece(2), piece(4)]);
  third.forget();
  third.close();
  const fourth = openRunJournal(home, runId);
  expect(fourth.acknowledged).toEqual([]);
  fourth.close();
});

test('a second attempt is turned away while the first lives, and takes over from a dead one', () => {
  const first = openRunJournal(home, runId);
  expect(() => openRunJournal(home, runId)).toThrow(expect.objectContaining({ code: 'run_locked' }));
  const lock = readFileSync(path('backup.lock'), 'utf8');
  first.close();
  // The same process number, but of a process that began at another time.
  writeFileSync(path('backup.lock'), `${lock.split(' ')[0] ?? ''} 1`);
  openRunJournal(home, runId).close();
});
