import type { RunId } from '#core/id.ts';
import { instantFromMs } from '#core/instant.ts';
import type { Clock } from '#core/ports/clock.ts';
import type { AgentChannel } from '#core/ports/host-work.ts';
import type { LogLine } from '#core/run/progress.ts';

type SentLine = Parameters<AgentChannel['putLogLines']>[1][number];
const sendEveryMs = 1000;
const mostKept = 10_000;
const mostSent = 500;

/** Carries the log lines of runs to the API in the background; keeps the newest 10 000 of a run while the API is away. */
export interface LogRelay {
  add(runId: RunId, line: LogLine): void;
  /** Sends what is left, once, and stops. */
  close(): Promise<void>;
}

export function openLogRelay(channel: AgentChannel, clock: Clock): LogRelay {
  const kept = new Map<RunId, SentLine[]>();
  let sending: Promise<void> = Promise.resolve();
  const send = async (): Promise<void> => {
    for (const [runId, lines] of kept) {
      const page = lines.slice(0, mostSent);
      try {
        await channel.putLogLines(runId, page);
      } catch {
        // Why: a log line is worth no failed backup; an API that is away gets the page at the next round.
        continue;
      }
      lines.splice(0, page.length);
      if (lines.length === 0) kept.delete(runId);
    }
  };
  const timer = setInterval(() => {
    sending = sending.then(send);
  }, sendEveryMs);
  timer.unref();
  return {
    add: (runId, { level, message }) => {
      const lines = kept.get(runId) ?? [];
      kept.set(runId, lines);
      lines.push({ at: instantFromMs(clock.nowMs()), level, message });
      if (lines.length > mostKept) lines.shift();
    },
    close: async () => {
      clearInterval(timer);
      await sending;
      await send();
    },
  };
}
