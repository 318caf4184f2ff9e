import { describe, expect, test } from 'vitest';
import { endsOf, parseHistory } from './history-file.ts';
import { parseLsn } from './lsn.ts';

describe('a history file', () => {
  const back = '1\t0/3016130\tbefore 2000-01-01\n\n2\t0/3016060\tat restore point "r0"\n';

  test('K-098 may leave a timeline before the position where that timeline began', () => {
    expect(parseHistory(back)).toEqual([
      { timeline: 1, switchLsn: parseLsn('0/3016130') },
      { timeline: 2, switchLsn: parseLsn('0/3016060') },
    ]);
  });

  test('K-098 an earlier switch of a later timeline ends the log of all before it', () => {
    expect(endsOf(parseHistory(back))).toEqual(['0/3016060', '0/3016060']);
    expect(endsOf(parseHistory('1 0/1000\n2 0/2000\n'))).toEqual(['0/1000', '0/2000']);
    expect(endsOf([])).toEqual([]);
  });

  test('is refused when its timelines do not rise or a line is no line of it', () => {
    const damaged = expect.objectContaining({ code: 'log_history_damaged' }) as Error;
    expect(() => parseHistory('2 0/1000\n1 0/2000\n')).toThrow(damaged);
    expect(() => parseHistory('1 0/1000\n1 0/2000\n')).toThrow(damaged);
    expect(() => parseHistory('one 0/1000\n')).toThrow(damaged);
  });
});
