import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { Attempt, ChannelKind } from '#core/notice/channel.ts';

/** What Prometheus reads. Labels are names of resources, pools and kinds, never ids of runs: their number stays small. */
export interface Metrics {
  /** Whether `/metrics` needs no token. */
  readonly isOpen: boolean;
  readonly countDelivery: (kind: ChannelKind, attempt: Attempt) => void;
  /** A request that was answered. `route` is the path with its placeholders. */
  readonly timeRequest: (served: ServedRequest) => void;
  /** Runs that have ended since the catalog was made, by kind and state. */
  setRuns(samples: readonly Sample[]): void;
  /** Replaces all samples of a gauge. */
  set(name: GaugeName, samples: readonly Sample[]): void;
  /** Text of the exposition format 0.0.4. */
  text(): Promise<string>;
}

export interface ServedRequest {
  readonly method: string;
  readonly route: string;
  readonly status: number;
  readonly ms: number;
}

export interface Sample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** Gauges that are read from the catalog at each scrape: name → what it says and its labels. */
const gauges = {
  backup_last_success_timestamp_seconds: ['When what protects a resource was last made', ['resource', 'type']],
  backup_rpo_seconds: ['How much would be lost now: the age of the latest point that can be recovered', ['resource']],
  backup_latest_restorable_timestamp_seconds: ['Latest point that can be recovered', ['resource']],
  backup_rpo_target_seconds: ['RPO target', ['resource']],
  backup_rto_target_seconds: ['RTO target', ['resource']],
  backup_run_duration_seconds: ['How long the last run that ended well took', ['resource', 'kind']],
  backup_wal_gap_count: ['Missing stretches of log on the branch that is written now', ['resource']],
  stream_slot_kept_bytes: ['Log that a slot without a stream keeps on its server', ['resource']],
  restore_measured_rto_seconds: ['How long recovery took when it was last done', ['resource']],
  drill_last_pass_timestamp_seconds: ['When a drill last passed', ['resource']],
  pool_bytes: ['What lies in a pool', ['pool', 'kind']],
  schedule_missed_runs: ['Due runs that never began, among the events that are kept', ['job']],
  queue_depth: ['Runs that are recorded and have not begun', []],
  delivery_queue_depth: ['Deliveries that wait', ['channel']],
  host_up: ['1 while the agent of a host reports', ['host']],
} as const satisfies Record<string, readonly [string, readonly string[]]>;
export type GaugeName = keyof typeof gauges;

/** Metrics of one API process, in a registry of its own. */
export function openMetrics({ isOpen }: { readonly isOpen: boolean }): Metrics {
  const registers = [new Registry()];
  const made = new Map<string, Gauge>();
  for (const [name, [help, labelNames]] of Object.entries(gauges))
    made.set(name, new Gauge({ name, help, labelNames: [...labelNames], registers }));
  const failures = new Counter({
    ...{ name: 'webhook_delivery_failures_total', help: 'Attempts to deliver that failed', registers },
    labelNames: ['channel'],
  });
  const runs = new Counter({
    ...{ name: 'backup_runs_total', help: 'Runs that have ended', labelNames: ['kind', 'state'], registers },
  });
  const requests = new Histogram({
    ...{ name: 'http_request_duration_seconds', help: 'Time to answer a request', registers },
    ...{
      labelNames: ['method', 'route', 'status'],
      buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
    },
  });
  return {
    isOpen,
    countDelivery: (channel, { error }) => {
      if (error !== undefined) failures.inc({ channel });
    },
    timeRequest: ({ method, route, status, ms }) => {
      requests.observe({ method, route, status: `${String(Math.floor(status / 100))}xx` }, ms / 1000);
    },
    setRuns: (samples) => {
      runs.reset();
      for (const { labels, value } of samples) runs.inc({ ...labels }, value);
    },
    set: (name, samples) => {
      const gauge = made.get(name);
      gauge?.reset();
      for (const { labels, value } of samples) gauge?.set({ ...labels }, value);
    },
    text: async () => (await Promise.all(registers.map((registry) => registry.metrics()))).join(''),
  };
}
