import { z } from 'zod';
import { deliveryCounts } from '#catalog/notices/channels.ts';
import { listHosts } from '#catalog/hosts.ts';
import { missedCounts } from '#catalog/runs/missed-runs.ts';
import { lastDurations, poolBytes, runCounts } from '#catalog/resources/resource-figures.ts';
import { leftSlots } from '#catalog/resources/stream-slots.ts';
import type { Instant } from '#core/instant.ts';
import { microsOfInstant } from '#core/instant.ts';
import type { ResourceStatus } from '#core/notice/resource-status.ts';
import type { Context } from '../context.ts';
import type { Metrics, Sample } from '../metrics.ts';
import { resourceStatuses } from '../resource-status.ts';
import type { Route } from '#api/http/route.ts';
import { route } from '#api/http/route.ts';

/** Two scrapers, or one that is impatient, cost one look at the catalog in this time. */
const freshMs = 5000;

/** `GET /metrics` for Prometheus. */
export function metricsRoutes(context: Context): Route[] {
  const { metrics, clock } = context;
  let last: { readonly atMs: number; readonly done: Promise<void> } | undefined;
  const refresh = (): Promise<void> => {
    if (last === undefined || clock.nowMs() - last.atMs > freshMs)
      last = { atMs: clock.nowMs(), done: collect(context) };
    const { done } = last;
    return done.catch((cause: unknown) => {
      last = undefined;
      throw cause;
    });
  };
  return [
    route({
      method: 'get',
      path: '/metrics',
      title: 'Metrics in the text format of Prometheus',
      access: metrics.isOpen ? 'everybody' : { permission: 'read' },
      status: 200,
      answer: z.string(),
      contentType: 'text/plain; version=0.0.4; charset=utf-8',
      serve: async () => {
        await refresh();
        return { answer: await metrics.text() };
      },
    }),
  ];
}

const isEnd = (state: string): boolean => !['queued', 'running', 'paused'].includes(state);

const secondsOf = (instant: Instant): number => microsOfInstant(instant) / 1_000_000;

async function collect(context: Context): Promise<void> {
  const { catalog, metrics } = context;
  ofResources(metrics, await resourceStatuses(context));
  const runs = await runCounts(catalog);
  metrics.setRuns(
    runs.flatMap(({ kind, state, count }) => (isEnd(state) ? [{ labels: { kind, state }, value: count }] : [])),
  );
  const queued = runs.filter(({ state }) => state === 'queued').reduce((sum, { count }) => sum + count, 0);
  metrics.set('queue_depth', [{ labels: {}, value: queued }]);
  metrics.set(
    'backup_run_duration_seconds',
    (await lastDurations(catalog)).map(({ seconds, ...labels }) => ({ labels, value: seconds })),
  );
  metrics.set(
    'pool_bytes',
    (await poolBytes(catalog)).map(({ bytes, ...labels }) => ({ labels, value: bytes })),
  );
  metrics.set(
    'delivery_queue_depth',
    (await deliveryCounts(catalog)).map(({ kind, waiting }) => ({ labels: { channel: kind }, value: waiting })),
  );
  metrics.set(
    'stream_slot_kept_bytes',
    (await leftSlots(catalog)).map(({ resource, keptBytes }) => ({ labels: { resource }, value: keptBytes })),
  );
  metrics.set(
    'schedule_missed_runs',
    (await missedCounts(catalog)).map(({ job, count }) => ({ labels: { job }, value: count })),
  );
  metrics.set(
    'host_up',
    (await listHosts(catalog)).map(({ name, isOnline }) => ({ labels: { host: name }, value: isOnline ? 1 : 0 })),
  );
}

function ofResources(metrics: Metrics, statuses: readonly ResourceStatus[]): void {
  const each = (value: (status: ResourceStatus) => number | null): Sample[] =>
    statuses.flatMap((status) => {
      const known = value(status);
      return known === null ? [] : [{ labels: { resource: status.resource }, value: known }];
    });
  const at = (instant: Instant | null): number | null => (instant === null ? null : secondsOf(instant));
  metrics.set(
    'backup_last_success_timestamp_seconds',
    statuses.flatMap(({ resource, lastSuccess }) =>
      Object.entries(lastSuccess).map(([type, when]) => ({ labels: { resource, type }, value: secondsOf(when) })),
    ),
  );
  metrics.set(
    'backup_rpo_seconds',
    each(({ rpoSeconds }) => rpoSeconds),
  );
  metrics.set(
    'backup_latest_restorable_timestamp_seconds',
    each(({ latestRestorable }) => at(latestRestorable)),
  );
  metrics.set(
    'backup_rpo_target_seconds',
    each(({ rpoTargetSeconds }) => rpoTargetSeconds),
  );
  metrics.set(
    'backup_rto_target_seconds',
    each(({ rtoTargetSeconds }) => rtoTargetSeconds),
  );
  metrics.set(
    'backup_wal_gap_count',
    each(({ logGaps }) => logGaps),
  );
  metrics.set(
    'restore_measured_rto_seconds',
    each(({ rtoSeconds }) => rtoSeconds),
  );
  metrics.set(
    'drill_last_pass_timestamp_seconds',
    each(({ lastDrill }) => at(lastDrill)),
  );
}
