import { expect, test } from 'vitest';
import type { RunId } from '../id.ts';
import { otlpBody } from './otlp.ts';
import { placeIn, requestSpanOf, runAtEnd, runSpanOf, traceIdOf } from './span.ts';

const run = 'run_01a20030f85d7d90a59158f543813c74' as RunId;

test('a trace is named by the digits of the run, and the spans of run and request differ', () => {
  expect(traceIdOf(run)).toBe('01a20030f85d7d90a59158f543813c74');
  expect(runSpanOf(run)).toBe('a59158f543813c74');
  expect(requestSpanOf(run)).toBe('259158f543813c74');
});

test('a run is found at the end of a path and nowhere else', () => {
  expect(runAtEnd(`/api/v1/drills/${run}`)).toBe(run);
  expect(runAtEnd(`/api/v1/runs/${run}/cancel`)).toBeUndefined();
  expect(runAtEnd('run_short')).toBeUndefined();
});

test('a traceparent of W3C is read, anything else is not', () => {
  const [traceId, spanId] = ['0af7651916cd43dd8448eb211c80319c', 'b7ad6b7169203331'];
  expect(placeIn(`00-${traceId}-${spanId}-01`)).toEqual({ traceId, spanId });
  for (const header of ['', `01-${traceId}-${spanId}-01`, `00-${traceId}-01`, 'garbage'])
    expect(placeIn(header)).toBeUndefined();
});

test('spans are written as the JSON of OTLP: hexadecimal ids, nanoseconds as text, numbers of the enumerations', () => {
  const body = otlpBody({ service: 'holdfast-agent', version: '1' }, [
    {
      ...{ traceId: traceIdOf(run), spanId: '00f067aa0ba902b7', parentId: runSpanOf(run), name: 'takeFullBackup' },
      ...{ kind: 'internal', beganMs: 1_700_000_000_001.4, endedMs: 1_700_000_000_000, failure: 'session_lost' },
      attributes: { 'holdfast.run': run, 'holdfast.attempt': 2 },
    },
  ]);
  expect(body.resourceSpans[0]?.resource.attributes[0]).toEqual({
    key: 'service.name',
    value: { stringValue: 'holdfast-agent' },
  });
  expect(body.resourceSpans[0]?.scopeSpans[0]?.spans).toEqual([
    {
      ...{ traceId: traceIdOf(run), spanId: '00f067aa0ba902b7', parentSpanId: runSpanOf(run), name: 'takeFullBackup' },
      ...{ kind: 1, startTimeUnixNano: '1700000000001000000', endTimeUnixNano: '1700000000001000000' },
      attributes: [
        { key: 'holdfast.run', value: { stringValue: run } },
        { key: 'holdfast.attempt', value: { intValue: '2' } },
      ],
      status: { code: 2, message: 'session_lost' },
    },
  ]);
});
