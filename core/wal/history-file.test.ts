import { describe, expect, test } from 'vitest';
import { ancestorHistory, endsOf, parseHistory, timelineSteps } from './history-file.ts';
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

describe('the way to a timeline', () => {
  const second = '1\t0/5000000\tno recovery target specified\n';
  const third = `${second}\n2\t0/7000028\tbefore 2026-11-21 08:00:00+00\n`;

  test('the text of an ancestor is what the server wrote for it', () => {
    expect(ancestorHistory(third, 2)).toBe(second);
    expect(ancestorHistory(third, 1)).toBe('');
    expect(ancestorHistory(third, 4)).toBeUndefined();
  });

  test('each timeline counts up to where the next one left it', () => {
    const steps = (timeline: number, history: string, from: string, to: string): readonly string[] =>
      timelineSteps({ timeline, history }, parseLsn(from), parseLsn(to)).map(
        (step) => `${String(step.timeline)} ${step.from} ${step.to} ${String(step.history.length)}`,
      );
    expect(steps(1, '', '0/2000028', '0/9000000')).toEqual(['1 0/2000028 0/9000000 0']);
    expect(steps(3, third, '0/2000028', '0/9000000')).toEqual([
      '1 0/2000028 0/5000000 0',
      `2 0/5000000 0/7000028 ${String(second.length)}`,
      `3 0/7000028 0/9000000 ${String(third.length)}`,
    ]);
    expect(steps(3, third, '0/6000000', '0/9000000')).toHaveLength(2);
    expect(steps(3, third, '0/8000000', '0/8000000')).toEqual([]);
  });

  test('log behind a fork further back does not count', () => {
    const back = '1\t0/5000000\ta\n\n2\t0/4000000\tb\n';
    const steps = timelineSteps({ timeline: 3, history: back }, parseLsn('0/2000000'), parseLsn('0/9000000'));
    expect(steps.map(({ timeline, from, to }) => [timeline, from, to])).toEqual([
      [1, '0/2000000', '0/4000000'],
      [3, '0/4000000', '0/9000000'],
    ]);
  });
});
