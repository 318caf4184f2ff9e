import { expect, test } from 'vitest';
import { HoldfastError } from '#core/errors/holdfast-error.ts';
import type { Span } from '#core/trace/span.ts';
import { openReceiver } from '#tests/support/trace-receiver.ts';
import { headersIn, openTracer } from './tracer.ts';

const span: Span = {
  ...{ traceId: '0af7651916cd43dd8448eb211c80319c', spanId: 'b7ad6b7169203331', name: 'run drill', kind: 'internal' },
  ...{ beganMs: 1, endedMs: 2, attributes: {} },
};

test('spans reach a receiver of OTLP over HTTP, with its headers', async () => {
  const receiver = await openReceiver();
  try {
    const settings = {
      otelExporterOtlpEndpoint: `${receiver.url}/`,
      otelExporterOtlpHeaders: 'x-token=a%20b, x-two=2',
    };
    const tracer = openTracer(settings, { service: 'holdfast-api', onTrouble: () => undefined });
    tracer.add(span);
    await tracer.close();
    expect(receiver.spans).toMatchObject([{ name: 'run drill', service: 'holdfast-api', spanId: span.spanId }]);
    expect(receiver.headers).toMatchObject({ 'x-token': 'a b', 'x-two': '2', 'content-type': 'application/json' });
  } finally {
    await receiver.close();
  }
});

test('a receiver that refuses is told of once, its spans wait, and nothing fails', async () => {
  const receiver = await openReceiver();
  const troubles: unknown[] = [];
  try {
    receiver.refuse(true);
    const tracer = openTracer(
      { otelExporterOtlpEndpoint: receiver.url },
      { service: 'holdfast-api', onTrouble: (error) => troubles.push(error) },
    );
    tracer.add(span);
    await tracer.close();
    await tracer.close();
    expect(troubles).toHaveLength(1);
    expect(troubles[0]).toBeInstanceOf(HoldfastError);
    receiver.refuse(false);
    await tracer.close();
    expect(receiver.spans).toHaveLength(1);
  } finally {
    await receiver.close();
  }
});

test('without an endpoint nothing is made', async () => {
  const tracer = openTracer({}, { service: 'holdfast-api', onTrouble: () => undefined });
  tracer.add(span);
  await tracer.close();
  expect(tracer.isOn).toBe(false);
});

test('headers are read as the standard writes them', () => {
  expect(headersIn('')).toEqual({});
  expect(headersIn('authorization=Basic%20YTpi==,b=c')).toEqual({ authorization: 'Basic YTpi==', b: 'c' });
});
