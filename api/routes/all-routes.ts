import { hookAgentRoutes } from '../agent-channel/hook-routes.ts';
import { payloadKeyRoutes } from '../agent-channel/payload-key-routes.ts';
import { codecRoutes } from '../codec.ts';
import { agentRoutes } from '../agent-channel/agent-routes.ts';
import { careAgentRoutes } from '../agent-channel/care-routes.ts';
import { drillAgentRoutes } from '../agent-channel/drill-routes.ts';
import { scrubAgentRoutes } from '../agent-channel/scrub-routes.ts';
import { slotAgentRoutes } from '../agent-channel/slot-routes.ts';
import { transferAgentRoutes } from '../agent-channel/transfer-routes.ts';
import type { Context } from '../context.ts';
import type { Route } from '../route.ts';
import { logicalAgentRoutes } from '../agent-channel/logical-routes.ts';
import { backupSetRoutes } from './backup-sets.ts';
import { contentTreeRoutes } from './content-tree.ts';
import { logicalRestoreRoutes } from './logical-restores.ts';
import { logicalSetRoutes } from './logical-sets.ts';
import { careRoutes } from './care.ts';
import { databaseRecoveryRoutes } from './database-recovery.ts';
import { channelRoutes } from './channels.ts';
import { deliveryRoutes } from './deliveries.ts';
import { eventRoutes } from './events.ts';
import { canaryRoutes } from './canaries.ts';
import { drillTargetRoutes } from './drill-targets.ts';
import { drillRoutes } from './drills.ts';
import { hostRoutes } from './hosts.ts';
import { jobRoutes } from './jobs.ts';
import { planRoutes } from './plans.ts';
import { metricsRoutes } from './metrics.ts';
import { poolCopyRoutes } from './pool-copies.ts';
import { poolKeyRoutes } from './pool-keys.ts';
import { logRestoreRoutes } from './log-restores.ts';
import { poolRoutes } from './pools.ts';
import { resourceChangeRoutes } from './resource-changes.ts';
import { resourceRoutes } from './resources.ts';
import { restoreRoutes } from './restores.ts';
import { runControlRoutes } from './run-control.ts';
import { runRetryRoutes } from './run-retry.ts';
import { runRoutes } from './runs.ts';
import { retentionRoutes } from './retention.ts';
import { scrubRoutes } from './scrub.ts';
import { serverRoutes } from './server.ts';
import { setExtractRoutes } from './set-extract.ts';
import { setMergeRoutes } from './set-merge.ts';
import { setContentsRoutes } from './set-contents.ts';
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
  ...drillTargetRoutes(context),
  ...canaryRoutes(context),
  ...scrubAgentRoutes(context),
  ...drillAgentRoutes(context),
  ...hookAgentRoutes(context),
  ...payloadKeyRoutes(context),
  ...codecRoutes(context),
];
