import { resourceStatusShape } from '#core/settings/shape/resource-status.ts';
import type { Context } from '../context.ts';
import { resourceStatuses } from '../resource-status.ts';
import type { Route } from '#api/http/route.ts';
import { route } from '#api/http/route.ts';
import { listShape, wholeList } from './words.ts';

/** What monitoring systems ask: flat records (Zabbix discovery, Nagios). */
export const statusRoutes = (context: Context): Route[] => [
  route({
    method: 'get',
    path: '/status/resources',
    title: 'Each resource with its last successes, RPO, targets and state, in flat records for monitoring',
    access: { permission: 'read' },
    status: 200,
    answer: listShape(resourceStatusShape.meta({ id: 'ResourceStatus' })),
    serve: async () => wholeList(await resourceStatuses(context)),
  }),
];
