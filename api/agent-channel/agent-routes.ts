import { z } from 'zod';
import { indexSet } from '#catalog/backup-sets.ts';
import type { Database } from '#catalog/database.ts';
import { addHost, storeReport } from '#catalog/hosts.ts';
import { findInspection } from '#catalog/runs/inspections.ts';
import { indexBatch } from '#catalog/log-batches.ts';
import { boundLog } from '#catalog/runs/run-log-bound.ts';
import { addRunEvents, getRun, tellOfLateSet } from '#catalog/runs/runs.ts';
import { lockEnrolmentToken, useEnrolmentToken } from '#catalog/tokens.ts';
import { isOlderVersion, oldestAgentVersion } from '#core/access/version.ts';
import type { Enrolment, EnrolmentRequest } from '#core/agent/enrolment.ts';
import { fail } from '#core/errors/fail.ts';
import type { HostId, PoolId, RunId } from '#core/id.ts';
import { parseId } from '#core/id.ts';
import { isFinal } from '#core/run/run-state.ts';
import { batchSummaryShape, setSummaryShape } from '#core/settings/shape/committed.ts';
import { agentReportShape, enrolmentRequestShape, enrolmentShape } from '#core/settings/shape/host.ts';
import { inspectionShape, orderShape } from '#core/settings/shape/order.ts';
import { logLevelShape } from '#core/settings/shape/progress.ts';
import { idShape, instantShape } from '#core/settings/shape/words.ts';
import { formatPayloadKey } from '#wire/payload-key.ts';
import { isSecretOf, makeBearer, parseBearer } from '#api/http/bearer.ts';
import type { Context } from '../context.ts';
import { leasedOrder } from '#api/starts/leased-order.ts';
import { demandAssigned } from '#api/starts/orders.ts';
import type { Caller, Route } from '#api/http/route.ts';
import { route } from '#api/http/route.ts';
import { poolToldOf } from './pool-told-of.ts';

const runParams = z.object({ run: idShape('run') });
const logBody = z.object({
  lines: z.array(z.object({ at: instantShape, level: logLevelShape, message: z.string().max(20_000) })).max(5000),
});

/** HTTPS `/agent/v1`: what hosts ask and tell, authenticated by each host's own key (build.md "Credentials and channels"). */
export const agentRoutes = (context: Context): Route[] => [
  enrolRoute(context),
  ...runRoutes(context),
  ...tellRoutes(context),
];

const enrolRoute = (context: Context): Route =>
  route({
    method: 'post',
    path: '/agent/v1/enrol',
    title: 'Enrol a host with a one-time token (K-007)',
    access: 'everybody',
    status: 201,
    isSecret: true,
    body: enrolmentRequestShape,
    answer: enrolmentShape,
    serve: async ({ body }) => ({ answer: await enrol(context, body) }),
  });

/** One transaction: the token is used exactly when the host exists. Throws `agent_too_old`, `enrolment_refused`. */
async function enrol(context: Context, { token, hostname, agentVersion }: EnrolmentRequest): Promise<Enrolment> {
  demandVersion(hostname, agentVersion);
  const bearer = parseBearer('hfe', token);
  if (bearer === undefined) throw fail('enrolment_refused', {});
  const tokenId = parseId('tok', `tok_${bearer.idHex}`);
  const hostId = context.ids('host');
  const key = makeBearer('hfh', hostId);
  await context.catalog.transaction(async (db) => {
    const stored = await lockEnrolmentToken(db, tokenId);
    if (stored === undefined || !isSecretOf(bearer.secret, stored.sha256)) throw fail('enrolment_refused', {});
    await addHost(db, { id: hostId, name: stored.hostName ?? hostname, hostname, agentVersion, keySha256: key.sha256 });
    await useEnrolmentToken(db, tokenId, hostId);
  });
  const { temporalAddress, temporalNamespace } = context.forAgents;
  return {
    hostId,
    hostKey: key.text,
    temporalAddress,
    temporalNamespace,
    payloadKey: formatPayloadKey(context.payloadKeys.ring.active()),
    queuePrefix: context.queuePrefix,
  };
}

function demandVersion(host: string, version: string): void {
  if (isOlderVersion(version, oldestAgentVersion))
    throw fail('agent_too_old', { host, version, oldest: oldestAgentVersion });
}

const runRoutes = (context: Context): Route[] => [
  route({
    method: 'get',
    path: '/agent/v1/orders/{run}',
    title: 'Order of a run, secrets included, for the host it is assigned to; what it reads is leased to it',
    access: 'host',
    status: 200,
    params: runParams,
    answer: orderShape,
    serve: async ({ params, caller }) => {
      const run = await assignedRun(context, params.run, hostOf(caller), true);
      return { answer: await leasedOrder(context, run) };
    },
  }),
  route({
    method: 'post',
    path: '/agent/v1/runs/{run}/log',
    title: 'Append log lines to a run',
    access: 'host',
    status: 204,
    params: runParams,
    body: logBody,
    serve: async ({ params, body, caller }) => {
      await assignedRun(context, params.run, hostOf(caller), false);
      await addRunEvents(context.catalog, params.run, body.lines);
      await boundLog(context.catalog, params.run);
      return { answer: undefined };
    },
  }),
  route({
    method: 'get',
    path: '/agent/v1/inspections/{inspection}',
    title: 'A short question to this host',
    access: 'host',
    status: 200,
    params: z.object({ inspection: z.string().regex(/^[0-9a-f-]{36}$/) }),
    answer: inspectionShape,
    serve: async ({ params: { inspection }, caller }) => {
      const sealed = await findInspection(context.catalog, inspection, hostOf(caller));
      if (sealed === undefined) throw fail('inspection_unknown', { inspection });
      return { answer: inspectionShape.parse(JSON.parse(context.vault.open(sealed, inspection))) };
    },
  }),
];

const tellRoutes = (context: Context): Route[] => [
  route({
    method: 'post',
    path: '/agent/v1/report',
    title: 'Version, disks and instances of this host, every few seconds',
    access: 'host',
    status: 204,
    body: agentReportShape,
    serve: async ({ body, caller }) => {
      demandVersion(body.hostname, body.agentVersion);
      await storeReport(context.catalog, hostOf(caller), body);
      return { answer: undefined };
    },
  }),
  committedRoute(context, {
    path: '/agent/v1/sets/{id}',
    title: 'Index a committed set; idempotent',
    prefix: 'set',
    body: setSummaryShape,
    idOf: ({ setId }) => setId,
    index: async (catalog, set, pool, teller) => {
      await tellOfLateSet(catalog, set.runId);
      await indexSet(catalog, set, pool, teller);
    },
  }),
  committedRoute(context, {
    path: '/agent/v1/batches/{id}',
    title: 'Index a committed log batch; idempotent',
    prefix: 'batch',
    body: batchSummaryShape,
    idOf: ({ batchId }) => batchId,
    index: indexBatch,
  }),
];

interface Committed<T> {
  readonly path: string;
  readonly title: string;
  readonly prefix: 'set' | 'batch';
  readonly body: z.ZodType<T>;
  readonly idOf: (told: T) => string;
  readonly index: (db: Database, told: T, pool: PoolId, teller?: RunId) => Promise<void>;
}

/** What a host tells of something that is committed: indexed under the pool that it lies in. */
const committedRoute = <T extends { readonly runId: RunId; readonly systemId: string }>(
  context: Context,
  told: Committed<T>,
): Route =>
  route({
    method: 'put',
    path: told.path,
    title: told.title,
    access: 'host',
    status: 204,
    params: z.object({ id: idShape(told.prefix) }),
    query: z.object({ teller: idShape('run').exactOptional() }),
    body: told.body,
    serve: async ({ params, query, body, caller }) => {
      const object = told.idOf(body);
      demandSameId(params.id, object);
      const { runId, systemId } = body;
      const pool = await poolToldOf(context.catalog, { hostId: hostOf(caller), runId, systemId, object, ...query });
      await told.index(context.catalog, body, pool, query.teller);
      return { answer: undefined };
    },
  });

function demandSameId(inPath: string, inBody: string): void {
  if (inPath !== inBody)
    throw fail('request_invalid', { pointer: '/', reason: `the path names ${inPath}, the body ${inBody}` });
}

const hostOf = (caller: Caller): HostId => {
  if (caller.kind === 'host') return caller.hostId;
  throw fail('host_key_refused', {});
};

async function assignedRun(context: Context, id: RunId, hostId: HostId, mustBeOpen: boolean) {
  const run = await getRun(context.catalog, id);
  demandAssigned(run, id, hostId, mustBeOpen && isFinal(run.state));
  return run;
}
