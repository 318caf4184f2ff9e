import type { Logger } from 'pino';
import type { Catalog } from '#catalog/database.ts';
import type { Clock } from '#core/ports/clock.ts';
import type { Protections } from '#core/notice/protection.ts';
import type { IdSource } from '#core/ports/id-source.ts';
import type { KeyRing } from '#wire/key-ring.ts';
import type { Tracer } from '#wire/trace/tracer.ts';
import type { Metrics } from './metrics.ts';
import type { Notices } from './notices/notice-door.ts';
import type { ScheduleDoor } from './schedules/schedule-door.ts';
import type { RunDoor } from './temporal/temporal.ts';
import type { ReportSigner } from './report-key.ts';
import type { Vault } from './pools/vault.ts';

/** What every route may use; made once in `run-api.ts`. */
export interface Context {
  readonly catalog: Catalog;
  readonly runs: RunDoor;
  readonly schedules: ScheduleDoor;
  readonly vault: Vault;
  /** Signs reports of drills. Throws `key_missing`, `key_unsafe`. */
  readonly reportSigner: () => Promise<ReportSigner>;
  /** Tells webhooks and mail boxes of events. */
  readonly notices: Notices;
  readonly protections: Protections;
  readonly metrics: Metrics;
  readonly tracer: Tracer;
  readonly ids: IdSource;
  readonly clock: Clock;
  readonly log: Logger;
  readonly queuePrefix: string;
  /** Told to agents at enrolment. */
  readonly forAgents: {
    readonly temporalAddress: string;
    readonly temporalNamespace: string;
  };
  readonly payloadKeys: {
    readonly ring: KeyRing;
    /** Base64 of 32 bytes each, the one that seals first; never logged. */
    readonly all: () => string[];
  };
  /** Temporal Web without a slash at its end, and its namespace. */
  readonly temporalWeb?: { readonly url: string; readonly namespace: string };
}
