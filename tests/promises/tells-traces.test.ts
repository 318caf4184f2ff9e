import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { waitFor } from '#scripts/supervisor/wait.ts';
import type { Platform } from '#tests/support/platform.ts';
import { openPlatform } from '#tests/support/platform.ts';
import type { ReceivedSpan, TraceReceiver } from '#tests/support/trace-receiver.ts';
import { openReceiver } from '#tests/support/trace-receiver.ts';

let receiver: TraceReceiver;
let platform: Platform;

beforeAll(async () => {
  receiver = await openReceiver();
  platform = await openPlatform({ env: { OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url } });
  await platform.register(platform.instance, 'acme-orders');
  await platform.logIn(platform.instance, 'acme-orders');
  await platform.localPool('acme-vault');
});
afterAll(async () => {
  await platform.close();
  await receiver.close();
});

const runShape = z.looseObject({ id: z.string(), state: z.string() });
const named = (spans: readonly ReceivedSpan[], name: string): ReceivedSpan | undefined =>
  spans.find((span) => span.name === name);

test('a backup is one connected trace from the request over the run to each step on the agent, without a name of a customer', async () => {
  const archive = ['--archive-directory', platform.instance.archiveDirectory, '--archive-retention', 'keep'];
  const where = ['--resource', 'acme-orders', '--pool', 'acme-vault'];
  const run = runShape.parse(await platform.done(['backup', '--type', 'full', ...where, ...archive, '--wait']));
  const traceId = run.id.replace('run_', '');
  const ofRun = (): readonly ReceivedSpan[] => receiver.spans.filter((span) => span.traceId === traceId);
  const told = ['POST /api/v1/runs', 'run full-backup', 'recordRun', 'takeFullBackup', 'closeRun', 'tellOutcome'];
  await waitFor(() => told.every((name) => named(ofRun(), name) !== undefined), 60_000);
  const spans = ofRun();
  expect(spans.map(({ name }) => name)).toEqual(expect.arrayContaining(told));
  const [request, whole, step] = [told[0], told[1], 'takeFullBackup'].map((name) => named(spans, name ?? ''));
  expect(request).toMatchObject({ service: 'holdfast-api', status: { code: 0 } });
  expect(request).not.toHaveProperty('parentSpanId');
  expect(whole).toMatchObject({ service: 'holdfast-worker', parentSpanId: request?.spanId });
  expect(step).toMatchObject({ service: 'holdfast-agent', parentSpanId: whole?.spanId });
  // Connected: each span but the first hangs on one that arrived, too.
  const ids = new Set(spans.map(({ spanId }) => spanId));
  for (const { name, parentSpanId } of spans)
    if (name !== told[0]) expect(ids.has(parentSpanId ?? ''), name).toBe(true);
  const sent = receiver.bodies.join('\n');
  const { password, dataDirectory } = platform.instance;
  for (const secret of ['acme', password, dataDirectory]) expect(sent).not.toContain(secret);
});
