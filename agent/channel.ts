import { z } from 'zod';
import type { AgentReport } from '#core/agent/inspection.ts';
import type { RunId } from '#core/id.ts';
import type { AgentChannel } from '#core/ports/host-work.ts';
import { closedReportShape, drillVerdictShape } from '#core/settings/shape/drill.ts';
import { claimVerdictShape } from '#core/settings/shape/care.ts';
import { slotVerdictShape } from '#core/settings/shape/left-slot.ts';
import { scrubNextShape } from '#core/settings/shape/scrub.ts';
import { hooksOfRunShape } from '#core/settings/hooks.ts';
import { inspectionShape, orderShape } from '#core/settings/shape/order.ts';
import type { PayloadKey } from '#wire/payload-key.ts';
import { parsePayloadKey } from '#wire/payload-key.ts';
import type { SlotChannel } from './stream/keep-slots.ts';
import { callApi } from './channel-call.ts';

/** The channel, and the report an agent makes of itself every few seconds. */
export interface ApiChannel extends AgentChannel, SlotChannel {
  report(report: AgentReport): Promise<void>;
  /** Payload keys of the installation, the one that seals first. */
  payloadKeys(): Promise<readonly PayloadKey[]>;
}

const tellerQuery = (teller: RunId | undefined): string => (teller === undefined ? '' : `?teller=${teller}`);
const keysShape = z.looseObject({ keys: z.array(z.string().transform(parsePayloadKey)) });
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
    hooks: (runId) => get(`/agent/v1/hooks/${encodeURIComponent(runId)}`, hooksOfRunShape),
    putSet: (set, teller) => send('PUT', `/agent/v1/sets/${set.setId}${tellerQuery(teller)}`, set),
    putLogicalSet: (set, teller) => send('PUT', `/agent/v1/logical-sets/${set.setId}${tellerQuery(teller)}`, set),
    claimLogicalSet: (runId, setId) =>
      callApi(
        { url, method: 'POST', path: `/agent/v1/runs/${runId}/logical-claims`, bearer: hostKey, body: { setId } },
        claimVerdictShape,
      ),
    tellLogicalRemoval: (runId, told) => send('POST', `/agent/v1/runs/${runId}/logical-removals`, told),
    tellLogicalVerdict: (runId, told) => send('POST', `/agent/v1/runs/${runId}/logical-verdicts`, told),
    putBatch: (batch, teller) => send('PUT', `/agent/v1/batches/${batch.batchId}${tellerQuery(teller)}`, batch),
    putMark: (mark, teller) =>
      send('PUT', `/agent/v1/marks/${mark.setId}/${String(mark.seq)}${tellerQuery(teller)}`, mark),
    putTruncation: (note) => send('PUT', `/agent/v1/truncations/${note.noteId}`, note),
    claimDeletion: (runId, claim) =>
      callApi(
        { url, method: 'POST', path: `/agent/v1/runs/${runId}/deletion-claims`, bearer: hostKey, body: claim },
        claimVerdictShape,
      ),
    tellDrill: (runId, facts) =>
      callApi(
        { url, method: 'POST', path: `/agent/v1/runs/${runId}/drill`, bearer: hostKey, body: facts },
        drillVerdictShape,
      ),
    confirmTarget: (runId, token) => send('POST', `/agent/v1/runs/${runId}/drill-target`, { token }),
    closeReport: async (runId) => {
      const path = `/agent/v1/runs/${runId}/drill-report/close`;
      return (await callApi({ url, method: 'POST', path, bearer: hostKey }, closedReportShape)).isStored;
    },
    tellPlaced: (runId, told) => send('PUT', `/agent/v1/runs/${encodeURIComponent(runId)}/placed`, told),
    slotVerdict: (runId) => get(`/agent/v1/runs/${runId}/slot`, slotVerdictShape),
    tellSlot: (runId, told) => send('POST', `/agent/v1/runs/${runId}/slot`, told),
    nextToScrub: (runId) =>
      callApi({ url, method: 'POST', path: `/agent/v1/runs/${runId}/scrub-next`, bearer: hostKey }, scrubNextShape),
    tellScrubbed: (runId, told) => send('POST', `/agent/v1/runs/${runId}/scrubbed`, told),
    tellDeleted: (runId, told) => send('POST', `/agent/v1/runs/${runId}/deletions`, told),
    putLogLines: (runId, lines) => send('POST', `/agent/v1/runs/${encodeURIComponent(runId)}/log`, { lines }),
    payloadKeys: async () => (await get('/agent/v1/payload-keys', keysShape)).keys,
    report: (report) => send('POST', '/agent/v1/report', report),
  };
}
