import { setTimeout as pause } from 'node:timers/promises';
import { fail } from '#core/errors/fail.ts';
import type { Warning } from '#core/run/progress.ts';
import { compareLsn, parseLsn } from '#core/wal/lsn.ts';
import type { Lsn } from '#core/wal/lsn.ts';
import type { RunningProcess } from '#agent/exec.ts';
import { isAlive } from '#agent/datadir/reader.ts';
import { endOfStart, requireLabel, startServer } from './recover.ts';
import type { Recovered, RecoveryRequest } from './recover.ts';
import { lastWords, logTail, streamBegan } from './server-log.ts';
import { titlesOf } from '#agent/datadir/server-processes.ts';

const streamMs = 12_000;
const pollMs = 100;

/** A standby that is open for reading. */
export interface Following {
  readonly recovered: Recovered;
  readonly warnings: readonly Warning[];
}

/**
 * Starts a copy as a standby and waits until it is open for reading and streams from its primary at or behind the point of the plan,
 * which its own processes tell. One that is open but does not stream is left running, with the reason as a warning: the primary
 * may be down just now. Throws `label_missing`, `recovery_failed`, `cancelled`.
 */
export async function follow(request: RecoveryRequest): Promise<Following> {
  if (request.plan.offline === undefined) requireLabel(request);
  const server = await startServer(request);
  const end = await endOfStart(server, request);
  if (request.signal.aborted) throw fail('cancelled', { what: 'the restore' });
  if (end !== 'ready')
    throw fail('recovery_failed', {
      directory: request.directory,
      exitCode: String(end),
      log: request.logFile,
      lines: lastWords(logTail(request.logFile)),
    });
  const streamed = await untilStreaming(server, request);
  const { timeline } = request.plan;
  if (streamed !== undefined) return { recovered: { timeline, reachedLsn: streamed, server }, warnings: [] };
  return {
    recovered: { timeline, server },
    warnings: [
      {
        code: 'standby_not_streaming',
        detail: `the standby is open for reading but does not stream from ${request.plan.ways?.primary?.host ?? 'its primary'}: ${lastWords(logTail(request.logFile))}`,
      },
    ],
  };
}

/** Position up to which log was streamed; undefined when none was in time. */
async function untilStreaming(server: RunningProcess, request: RecoveryRequest): Promise<Lsn | undefined> {
  for (let waited = 0; waited < streamMs && isAlive(server.pid); waited += pollMs) {
    if (request.signal.aborted) {
      await server.stop('SIGINT', streamMs);
      throw fail('cancelled', { what: 'the restore' });
    }
    const at = streamingAt(server.pid) ?? streamBegan(logTail(request.logFile));
    if (at !== undefined && compareLsn(at, request.plan.mustReach) >= 0) return at;
    await pause(pollMs);
  }
  return undefined;
}

function streamingAt(postmaster: number): Lsn | undefined {
  for (const title of titlesOf(postmaster)) {
    const text = /walreceiver\s+streaming ([0-9A-F]+\/[0-9A-F]+)/.exec(title)?.[1];
    if (text !== undefined) return parseLsn(text);
  }
  return undefined;
}
