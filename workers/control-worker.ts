import { readFile } from 'node:fs/promises';
import type { ActivityInterceptorsFactory, NativeConnection } from '@temporalio/worker';
import { Worker } from '@temporalio/worker';
import { openControlActivities } from '#activities/control/open-control-activities.ts';
import type { ControlDeps } from '#activities/control/control-activities.ts';
import { dataConverterOf } from '#wire/data-converter.ts';
import type { KeyRing } from '#wire/key-ring.ts';
import type { PayloadKey } from '#wire/payload-key.ts';
import { controlQueue } from '#workflows/contract.ts';

export interface ControlWorkerSettings {
  readonly namespace: string;
  readonly queuePrefix: string;
  /** `dist/workflow-bundle.js`. */
  readonly bundlePath: string;
  readonly payloadKey: PayloadKey | KeyRing;
  /** Around each step, outermost first; none when absent. */
  readonly interceptors?: readonly ActivityInterceptorsFactory[];
}

/** The worker of the `control` queue: all workflow code and the control activities. */
export const createControlWorker = async (
  connection: NativeConnection,
  settings: ControlWorkerSettings,
  deps: ControlDeps,
): Promise<Worker> =>
  Worker.create({
    connection,
    namespace: settings.namespace,
    taskQueue: `${settings.queuePrefix}${controlQueue}`,
    workflowBundle: { code: await readFile(settings.bundlePath, 'utf8') },
    dataConverter: dataConverterOf(settings.payloadKey),
    activities: openControlActivities(deps),
    interceptors: { activity: [...(settings.interceptors ?? [])] },
    maxHeartbeatThrottleInterval: '2s',
    shutdownGraceTime: '20s',
    // Why: after kill -9 every open workflow waits this long for the dead worker, one after the other; missing the cache
    // of a live one costs a replay of some ten events.
    stickyQueueScheduleToStartTimeout: '3s',
  });
