import type { Logger } from 'pino';
import type { Catalog } from '#catalog/database.ts';
import type { Clock } from '#core/ports/clock.ts';
import type { IdSource } from '#core/ports/id-source.ts';
import type { ScheduleDoor } from './schedules/schedule-door.ts';
import type { RunDoor } from './temporal.ts';
import type { Vault } from './vault.ts';

/** What every route may use; made once in `run-api.ts`. */
export interface Context {
  readonly catalog: Catalog;
  readonly runs: RunDoor;
  readonly schedules: ScheduleDoor;
  readonly vault: Vault;
  readonly ids: IdSource;
  readonly clock: Clock;
  readonly log: Logger;
  readonly queuePrefix: string;
  /** Told to agents at enrolment. */
  readonly forAgents: {
    readonly temporalAddress: string;
    readonly temporalNamespace: string;
    /** Base64 of 32 bytes; never logged. */
    readonly payloadKey: string;
  };
  /** Temporal Web without a slash at its end, and its namespace. */
  readonly temporalWeb?: { readonly url: string; readonly namespace: string };
}
