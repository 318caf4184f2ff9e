import { statfs } from 'node:fs/promises';
import { hostname } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import type { AgentReport, DiscoveredInstance } from '#core/agent/inspection.ts';
import type { ApiChannel } from './channel.ts';

export interface ReportParts {
  readonly agentVersion: string;
  /** Directories whose file systems matter here: the agent home and each data directory. */
  readonly paths: readonly string[];
  readonly discover: () => Promise<readonly DiscoveredInstance[]>;
}

/** What this host says of itself. A disk that cannot be asked is left out: it must not silence the rest. */
export async function reportOf({ agentVersion, paths, discover }: ReportParts): Promise<AgentReport> {
  const instances = await discover();
  const all = [...new Set([...paths, ...instances.map((found) => found.dataDirectory)])];
  const disks = await Promise.all(all.map(diskOf));
  return {
    agentVersion,
    hostname: hostname(),
    disks: disks.flatMap((disk) => (disk === undefined ? [] : [disk])),
    instances,
  };
}

async function diskOf(path: string): Promise<AgentReport['disks'][number] | undefined> {
  try {
    const { bsize, bavail, blocks } = await statfs(path);
    return { path, freeBytes: bavail * bsize, totalBytes: blocks * bsize };
  } catch {
    // Why: a file system that went away is told by its absence.
    return undefined;
  }
}

export interface Reporting {
  readonly channel: ApiChannel;
  readonly everyMs: number;
  readonly onTrouble: (error: unknown) => void;
}

/** Reports now and then at the interval until the signal; an API that is away is tried again at the next one. */
export async function keepReporting(
  parts: ReportParts,
  { channel, everyMs, onTrouble }: Reporting,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    try {
      await channel.report(await reportOf(parts));
    } catch (error) {
      onTrouble(error);
    }
    await delay(everyMs, undefined, { signal }).catch(() => undefined);
  }
}
