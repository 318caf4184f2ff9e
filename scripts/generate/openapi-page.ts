import { pino } from 'pino';
import { openMetrics } from '#api/metrics.ts';
import { openAddressGuard } from '#api/notices/address-guard.ts';
import { openapiOf } from '#api/http/openapi.ts';
import { openProtections } from '#api/protection.ts';
import { allRoutes } from '#api/routes/all-routes.ts';
import { openScheduleDoor } from '#api/schedules/schedule-door.ts';
import { openRunDoor } from '#api/temporal/temporal.ts';
import { openVault } from '#api/pools/vault.ts';
import { openCatalog } from '#catalog/database.ts';
import { fail } from '#core/errors/fail.ts';
import { formatId } from '#core/id.ts';
import { openTemporalClient } from '#wire/connect.ts';
import { noTracer } from '#wire/trace/tracer.ts';
import { fixedRing } from '#wire/key-ring.ts';
import { payloadKeyOf } from '#wire/payload-key.ts';

const keyBytes = 32;
const nowhere = { address: '127.0.0.1:1', namespace: 'default' };

/**
 * docs/reference/openapi.json: what GET /openapi.json answers. The routes are described, never served: catalog and
 * Temporal connect on first use only, which does not come.
 */
export const openapiPage = async (): Promise<string> => {
  const key = new Uint8Array(keyBytes);
  const client = openTemporalClient(nowhere, payloadKeyOf(Buffer.from(key)));
  const catalog = openCatalog('postgresql://nobody@localhost/none');
  const routes = allRoutes({
    catalog,
    runs: openRunDoor(client, '', { nowMs: () => 0 }),
    schedules: openScheduleDoor(client, '', { nowMs: () => 0 }),
    vault: openVault(Buffer.from(key)),
    notices: {
      ...{ guard: openAddressGuard([]), canMail: false, start: () => undefined, wake: () => undefined },
      close: () => Promise.resolve(),
    },
    protections: openProtections(catalog),
    metrics: openMetrics({ isOpen: false }),
    tracer: noTracer,
    reportSigner: () => Promise.reject(fail('key_missing', { file: 'none' })),
    ids: (prefix) => formatId(prefix, 0, key.subarray(0, 10)),
    clock: { nowMs: () => 0 },
    log: pino({ enabled: false }),
    queuePrefix: '',
    forAgents: { temporalAddress: nowhere.address, temporalNamespace: nowhere.namespace },
    payloadKeys: { ring: fixedRing(payloadKeyOf(Buffer.from(key))), all: () => [] },
  });
  const text = `${JSON.stringify(openapiOf(routes), undefined, 2)}\n`;
  await client.connection.close();
  await catalog.close();
  return text;
};
