import { z } from 'zod';
import type { AgentReport } from '#core/agent/inspection.ts';
import type { AgentChannel } from '#core/ports/host-work.ts';
import { claimVerdictShape } from '#core/settings/shape/care.ts';
import { inspectionShape, orderShape } from '#core/settings/shape/order.ts';
import { callApi } from './channel-call.ts';

/** The channel, and the report an agent makes of itself every few seconds. */
export interface ApiChannel extends AgentChannel {
  report(report: AgentReport): Promise<void>;
}

const nothing = z.unknown().transform(() => undefined);

/** The agent's way to the API: `/agent/v1` with the host's own key (build.md "Credentials and channels"). */
export function openChannel(url: string, hostKey: string): ApiChannel {
  const get = <T>(path: string, shape: z.ZodType<T>): Promise<T> =>
    callApi({ url, method: 'GET', path, bearer: hostKey }, shape);
  const send = (method: 'POST' | 'PUT', path: string, body: unknown): Promise<void> =>
    callApi({ url, method, path, bearer: hostKey, body }, nothing);
  return {
    order: (runId) => get(`/agent/v1/orders/${encodeURIComponent(runId)}`, orderShape),
    inspection: (id) => get(`/agent/v1/inspections/${encodeURIComponent(id)}`, inspectionShape),
    putSet: (set) => send('PUT', `/agent/v1/sets/${set.setId}`, set),
    putBatch: (batch, teller) =>
      send('PUT', `/agent/v1/batches/${batch.batchId}${teller === undefined ? '' : `?teller=${teller}`}`, batch),
    putMark: (mark) => send('PUT', `/agent/v1/marks/${mark.setId}/${String(mark.seq)}`, mark),
    claimDeletion: (runId, claim) =>
      callApi(
        { url, method: 'POST', path: `/agent/v1/runs/${runId}/deletion-claims`, bearer: hostKey, body: claim },
        claimVerdictShape,
      ),
    tellDeleted: (runId, told) => send('POST', `/agent/v1/runs/${runId}/deletions`, told),
    putLogLines: (runId, lines) => send('POST', `/agent/v1/runs/${encodeURIComponent(runId)}/log`, { lines }),
    report: (report) => send('POST', '/agent/v1/report', report),
  };
}
