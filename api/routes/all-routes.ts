import { hookAgentRoutes } from '../agent-channel/hook-routes.ts';
import { payloadKeyRoutes } from '../agent-channel/payload-key-routes.ts';
import { codecRoutes } from '#api/http/codec.ts';
import { agentRoutes } from '../agent-channel/agent-routes.ts';
import { careAgentRoutes } from '../agent-channel/care-routes.ts';
import { drillAgentRoutes } from '../agent-channel/drill-routes.ts';
import { scrubAgentRoutes } from '../agent-channel/scrub-routes.ts';
import { slotAgentRoutes } from '../agent-channel/slot-routes.ts';
import { transferAgentRoutes } from '../agent-channel/transfer-routes.ts';
import type { Context } from '../context.ts';
import type { Route } from '#api/http/route.ts';
import { logicalAgentRoutes } from '../agent-channel/logical-routes.ts';
import { backupSetRoutes } from './sets/backup-sets.ts';
import { contentTreeRoutes } from './content-tree.ts';
import { logicalRestoreRoutes } from './restores/logical-restores.ts';
import { logicalSetRoutes } from './restores/logical-sets.ts';
import { careRoutes } from './care.ts';
import { databaseRecoveryRoutes } from './restores/database-recovery.ts';
import { channelRoutes } from './channels.ts';
import { deliveryRoutes } from './deliveries.ts';
import { eventRoutes } from './events.ts';
import { canaryRoutes } from './drills/canaries.ts';
import { drillStandingRoutes } from './drills/drill-standing.ts';
import { drillTargetRoutes } from './drills/drill-targets.ts';
import { drillRoutes } from './drills/drills.ts';
import { hostRoutes } from './hosts.ts';
import { jobRoutes } from './jobs.ts';
import { planRoutes } from './plans.ts';
import { metricsRoutes } from './metrics.ts';
import { poolCopyRoutes } from './pools/pool-copies.ts';
import { poolKeyRoutes } from './pools/pool-keys.ts';
import { logRestoreRoutes } from './restores/log-restores.ts';
import { poolRoutes } from './pools/pools.ts';
import { resourceChangeRoutes } from './resource-changes.ts';
import { resourceRoutes } from './resources.ts';
import { restoreRoutes } from './restores/restores.ts';
import { runControlRoutes } from './runs/run-control.ts';
import { runRetryRoutes } from './runs/run-retry.ts';
import { runRoutes } from './runs/runs.ts';
import { retentionRoutes } from './retention.ts';
import { scrubRoutes } from './scrub.ts';
import { serverRoutes } from './server.ts';
import { setExtractRoutes } from './sets/set-extract.ts';
import { setMergeRoutes } from './sets/set-merge.ts';
import { setContentsRoutes } from './sets/set-contents.ts';
import { statusRoutes } from './status.ts';
import { targetRoutes } from './targets.ts';

/** Every route of the server: what is mounted is what /openapi.json describes. */
export const allRoutes = (context: Context): Route[] => [
  ...serverRoutes(context),
  ...hostRoutes(context),
  ...resourceRoutes(context),
  ...resourceChangeRoutes(context),
  ...poolRoutes(context),
  ...poolCopyRoutes(context),
  ...poolKeyRoutes(context),
  ...jobRoutes(context),
  ...planRoutes(context),
  ...runRoutes(context),
  ...runControlRoutes(context),
  ...runRetryRoutes(context),
  ...eventRoutes(context),
  ...channelRoutes(context),
  ...deliveryRoutes(context),
  ...targetRoutes(context),
  ...statusRoutes(context),
  ...metricsRoutes(context),
  ...backupSetRoutes(context),
  ...setContentsRoutes(context),
  ...contentTreeRoutes(context),
  ...logicalSetRoutes(context),
  ...setExtractRoutes(context),
  ...setMergeRoutes(context),
  ...restoreRoutes(context),
  ...databaseRecoveryRoutes(context),
  ...logicalRestoreRoutes(context),
  ...retentionRoutes(context),
  ...careRoutes(context),
  ...scrubRoutes(context),
  ...agentRoutes(context),
  ...logicalAgentRoutes(context),
  ...slotAgentRoutes(context),
  ...transferAgentRoutes(context),
  ...careAgentRoutes(context),
  ...logRestoreRoutes(context),
  ...drillRoutes(context),
  ...drillStandingRoutes(context),
  ...drillTargetRoutes(context),
  ...canaryRoutes(context),
  ...scrubAgentRoutes(context),
  ...drillAgentRoutes(context),
  ...hookAgentRoutes(context),
  ...payloadKeyRoutes(context),
  ...codecRoutes(context),
];
