import type { Lsn } from '../wal/lsn.ts';

/** An instance the agent found on its host by process, data directory and configuration. */
export interface DiscoveredInstance {
  readonly engine: string;
  readonly dataDirectory: string;
  readonly port: number;
  readonly socket: string;
  readonly serverMajor: number;
  readonly systemId: string;
  readonly isRunning: boolean;
}

export interface Finding {
  readonly check: string;
  readonly verdict: 'ok' | 'warn' | 'fail';
  readonly detail: string;
  /** What to do; '' when ok. */
  readonly hint: string;
}

/** The report of `resource preflight`. A backup refuses when any finding is `fail`. */
export interface PreflightReport {
  readonly serverVersion: number;
  readonly systemId: string;
  readonly timeline: number;
  readonly hasChecksums: boolean;
  readonly role: 'primary' | 'standby';
  readonly walLevel: string;
  readonly archiveMode: string;
  readonly archiveDirectory?: string;
  readonly segmentBytes: number;
  readonly insertLsn: Lsn;
  readonly findings: readonly Finding[];
}

/** Where an agent puts scratch instances. */
export interface ScratchFound {
  readonly root: string;
  readonly findings: readonly Finding[];
}

/** What an agent tells about itself every few seconds. */
export interface AgentReport {
  readonly agentVersion: string;
  readonly hostname: string;
  readonly disks: readonly { readonly path: string; readonly freeBytes: number; readonly totalBytes: number }[];
  readonly instances: readonly DiscoveredInstance[];
}
