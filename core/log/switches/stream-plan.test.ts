import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { StreamedTimeline } from './stream-plan.ts';
import { logAhead, planStream } from './stream-plan.ts';

const segmentBytes = 100;
const plan = (newestFirst: readonly StreamedTimeline[], restart: number) =>
  planStream(newestFirst, { restart, segmentBytes });

test('K-049 log in the pool behind what the server has written tells that the server was put back, but for a timeline that it left', () => {
  const furthest = 730;
  const first = { timeline: 1, fork: 0, furthest };
  expect(logAhead([first], 729)).toEqual({ timeline: 1, from: 729, to: 730 });
  for (const written of [730, 990]) expect(logAhead([first], written)).toBeUndefined();
  expect(
    logAhead(
      [
        { timeline: 2, fork: 640 },
        { ...first, left: 640 },
      ],
      650,
    ),
  ).toBeUndefined();
  expect(logAhead([{ timeline: 1, fork: 0 }], 5)).toBeUndefined();
});

describe('K-049 where a stream goes on', () => {
  test('behind what the pool has, on the timeline that is written', () => {
    expect(plan([{ timeline: 1, fork: 0, furthest: 730 }], 500)).toEqual({ legs: [{ timeline: 1, from: 700 }] });
  });

  test('at the slot where the pool has nothing, on each timeline that the slot reaches', () => {
    const [first, second] = [
      { timeline: 1, fork: 0, left: 640 },
      { timeline: 2, fork: 640 },
    ];
    const both = [
      { timeline: 1, from: 500 },
      { timeline: 2, from: 600 },
    ];
    expect(plan([second, first], 520)).toEqual({ legs: both });
    expect(plan([second, first], 640)).toEqual({ legs: [{ timeline: 2, from: 600 }] });
    expect(plan([second, first], 905)).toEqual({ legs: [{ timeline: 2, from: 900 }] });
  });

  test('over a switch: the old timeline to its end, then the new one from its first segment', () => {
    const timelines = [
      { timeline: 2, fork: 640 },
      { timeline: 1, fork: 0, left: 640, furthest: 610 },
    ];
    const legs = [
      { timeline: 1, from: 600 },
      { timeline: 2, from: 600 },
    ];
    expect(plan(timelines, 900)).toEqual({ legs });
  });

  test('over two switches while nobody streamed, the timeline between them is asked for, too', () => {
    const timelines = [
      { timeline: 3, fork: 980 },
      { timeline: 2, fork: 640, left: 980 },
      { timeline: 1, fork: 0, left: 640, furthest: 640 },
    ];
    const legs = [
      { timeline: 2, from: 600 },
      { timeline: 3, from: 900 },
    ];
    expect(plan(timelines, 1200)).toEqual({ legs, over: { timeline: 1, left: 640 } });
  });

  test('and names the log that the pool holds and the server abandoned', () => {
    const timelines = [
      { timeline: 2, fork: 640 },
      { timeline: 1, fork: 0, left: 640, furthest: 870 },
    ];
    expect(plan(timelines, 600)).toEqual({
      ...{ legs: [{ timeline: 2, from: 600 }], over: { timeline: 1, left: 640 } },
      abandoned: { timeline: 1, from: 640, to: 870 },
    });
  });

  test('every leg begins at a segment, and the last one is of the timeline that is written unless the pool is ahead of it', () => {
    const histories = fc
      .array(fc.integer({ min: 1, max: 5000 }), { maxLength: 5 })
      .map((cuts) => [...cuts].sort((a, b) => a - b));
    fc.assert(
      fc.property(histories, fc.nat(6), fc.nat(6000), fc.nat(6000), (cuts, knownAt, furthest, restart) => {
        const timelines = [0, ...cuts].map((fork, i): StreamedTimeline => {
          const left = cuts[i];
          return {
            ...{ timeline: i + 1, fork, ...(left === undefined ? {} : { left }) },
            ...(i === knownAt ? { furthest } : {}),
          };
        });
        const { legs } = plan([...timelines].reverse(), restart);
        expect(legs.map(({ from }) => from % segmentBytes).every((rest) => rest === 0)).toBe(true);
        expect(legs.map(({ timeline }) => timeline)).toEqual(
          [...legs.map(({ timeline }) => timeline)].sort((a, b) => a - b),
        );
        expect(legs[legs.length - 1]?.timeline).toBe(timelines.length);
      }),
    );
  });
});
