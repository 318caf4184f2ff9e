import type { Context } from '@temporalio/activity';
import type { JobHandle } from '#core/ports/job-table.ts';

const beatEveryMs = 1000;

/**
 * Heartbeats the progress of a job each second until the returned function is called. The details are what the console
 * shows; where to resume is kept by the agent and the pool, which are newer than any delivered heartbeat.
 */
export function beatOf(context: Context, job: JobHandle): () => void {
  context.heartbeat(job.progress());
  const timer = setInterval(() => {
    context.heartbeat(job.progress());
  }, beatEveryMs);
  return () => {
    clearInterval(timer);
  };
}
