import type { ResourceId } from '../id.ts';

/** How to reach one database instance on the agent's own host. */
export interface InstanceAccess {
  readonly resourceId: ResourceId;
  /** Name of the engine profile, e.g. `postgresql` (core/engine). */
  readonly engine: string;
  readonly dataDirectory: string;
  /** Unix socket directory (starts with /) or host name. */
  readonly socket: string;
  readonly port: number;
  /** Absent for a closed instance. */
  readonly login?: { readonly user: string; readonly password: string; readonly database: string };
  /** The identity recorded at discovery; a different one found is `system_id_mismatch` (peers.md §5 item 3). */
  readonly systemId: string;
}
