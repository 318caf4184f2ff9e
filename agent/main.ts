import { once } from 'node:events';
import { join } from 'node:path';
import { pino } from 'pino';
import { exitCodes } from '#core/errors/error-spec.ts';
import { HoldfastError } from '#core/errors/holdfast-error.ts';
import type { Faults } from '#core/faults/fault-points.ts';
import { parseFault } from '#core/faults/fault-points.ts';
import type { RunId } from '#core/id.ts';
import type { AgentSettings } from '#core/settings/agent-settings.ts';
import { agentSettings } from '#core/settings/agent-settings.ts';
import { readSettings } from '#core/settings/registry.ts';
import { productVersion } from '#core/version.ts';
import type { LogLine } from '#core/run/progress.ts';
import type { KeyRing } from '#wire/key-ring.ts';
import { parsePayloadKey } from '#wire/payload-key.ts';
import { installRuntime } from '#wire/runtime.ts';
import { openReadyFile } from '#wire/ready-file.ts';
import type { ReadyFile } from '#wire/ready-file.ts';
import { serveWorkers } from '#wire/serve-workers.ts';
import { stopSignal } from '#wire/stop-signal.ts';
import { temporalPlaceOf } from '#wire/temporal-place.ts';
import { stepSpans } from '#wire/trace/step-spans.ts';
import type { Tracer } from '#wire/trace/tracer.ts';
import { openTracer } from '#wire/trace/tracer.ts';
import { openChannel } from './channel.ts';
import { enrol } from './enrol.ts';
import { openHookRunner } from './hooks/hook-runner.ts';
import { openHookTries } from './hooks/hook-tries.ts';
import { dieAt } from './faults/die-at.ts';
import { flagsIn } from './flags.ts';
import type { HostIdentity } from './host-identity.ts';
import { openAgentKeys } from './payload-keys.ts';
import { keepReporting } from './self-report.ts';
import type { SlotKeeping } from './stream/keep-slots.ts';
import { keepSlots } from './stream/keep-slots.ts';
import { tuneV8 } from './tune-v8.ts';
import { agentService } from './work/agent-workers.ts';
import { openFence } from './work/fence.ts';
import { sweepDoors } from './transfer/play/door-folder.ts';
import { lockHome } from './work/home-lock.ts';
import { openHostWork } from './work/host-work.ts';
import { openJobTable } from './work/job-table.ts';
import type { Undoing } from './work/keep-undoing.ts';
import { keepUndoing } from './work/keep-undoing.ts';
import { openLogRelay } from './work/log-relay.ts';
import { apiWitness, openRunGate, temporalWitness } from './work/run-gate.ts';
import { openRunJournal } from './work/run-journal.ts';
import type { StopOver } from './work/stop-over.ts';
import { keepStoppingOver } from './work/stop-over.ts';
import { openTokenJournal } from './work/token-journal.ts';

const log = pino({ name: 'holdfast-agent' });
const clock = { nowMs: () => Date.now() };
const keptEndsMs = 30 * 86_400_000;
const undoMs = 15_000;
const askAgainMs = 5000;

/** `holdfast agent`: enrols this host when it is not yet, then serves its three queues until SIGTERM or SIGINT. */
async function main(): Promise<void> {
  tuneV8();
  const flags = flagsIn(process.argv.slice(2));
  const settings = readSettings(agentSettings, { ...process.env, ...flags.settings });
  const identity = await enrol({
    home: settings.agentHome,
    apiUrl: settings.apiUrl,
    agentVersion: productVersion,
    token: settings.enrolToken,
    tokenFile: settings.enrolTokenFile,
  });
  log.info({ host: identity.hostId, home: settings.agentHome }, 'this host is enrolled');
  if (!flags.isEnrolment) await serve(settings, identity, stopSignal());
}

async function serve(settings: AgentSettings, identity: HostIdentity, signal: AbortSignal): Promise<void> {
  installRuntime((level, message, meta) => {
    log[level](meta, message);
  });
  const home = settings.agentHome;
  const ready = openReadyFile(settings.readyFile);
  const lock = await lockHome(home);
  for (const folder of sweepDoors(home)) log.info({ folder }, 'a directory that a killed agent left is removed');
  const channel = openChannel(identity.apiUrl, identity.hostKey);
  const relay = openLogRelay(channel, clock);
  const { journal, tokens, tries } = await openMemory(home);
  const say = (runId: RunId, line: LogLine): void => {
    log[line.level]({ runId }, line.message);
    relay.add(runId, line);
  };
  const faults = faultsOf(settings);
  const work = openHostWork({
    home,
    clock,
    channel,
    version: productVersion,
    programs: listOf(settings.postgresBin),
    roots: listOf(settings.discoverRoot),
    account: settings.restoreAccount,
    scratch: settings.agentScratch,
  });
  const enrolled = parsePayloadKey(identity.payloadKey);
  const keys = await openAgentKeys({ home, enrolled, ask: () => channel.payloadKeys(), clock });
  const tracer = tracerOf(settings);
  const interceptors = tracer.isOn ? [stepSpans({ tracer, clock, hostId: identity.hostId })] : [];
  const queues = { ...queuesOf(settings, identity, keys), interceptors };
  const gate = openRunGate([apiWitness(channel), temporalWitness(queues.place, keys, clock)], askAgainMs);
  const jobs = openJobTable({ journal, fence: openFence(), clock, log: say, gate, faults });
  const self = { agentVersion: productVersion, paths: [home], discover: () => work.discover() };
  const reporting = keepTelling(self, { channel, everyMs: settings.reportSeconds * 1000 }, signal);
  const undoing = undoLeft(
    { home, scratch: settings.agentScratch, channel, isLive: (runId) => jobs.isLive(runId) },
    signal,
  );
  const slots = settleSlots({ home, channel, isLive: (runId) => jobs.isLive(runId) }, signal);
  const stopping = stopOver({ jobs, channel }, signal);
  const hooks = openHookRunner({ directory: settings.agentScripts, tries });
  const deps = { work, channel, jobs, hooks, agentVersion: productVersion };
  const serving = keepServing(agentService(queues, deps, tokens), ready, signal);
  // Why this order: the workers stop polling at the signal itself, then the jobs end, so that none is begun anew here.
  await once(signal, 'abort');
  ready.notServing();
  await jobs.close();
  await Promise.all([serving, reporting, undoing, slots, stopping]);
  await relay.close();
  await tracer.close();
  await lock.release();
}

/** Undefined unless a test of Holdfast asked for it. */
function faultsOf({ faultPoint }: AgentSettings): Faults | undefined {
  const fault = faultPoint === undefined ? undefined : parseFault(faultPoint);
  if (fault !== undefined) log.warn({ fault }, 'this agent is to be killed by itself: it serves a test');
  return dieAt(fault);
}

/** What this host remembers of runs over restarts; what nobody asks for any more is forgotten. */
async function openMemory(home: string) {
  const journal = await openRunJournal(join(home, 'ends'));
  const tries = await openHookTries(join(home, 'hooks'));
  for (const memory of [journal, tries]) await memory.forgetBefore(clock.nowMs() - keptEndsMs);
  return { journal, tries, tokens: await openTokenJournal(join(home, 'tokens')) };
}

const keepTelling = (
  self: Parameters<typeof keepReporting>[0],
  to: Omit<Parameters<typeof keepReporting>[1], 'onTrouble'>,
  signal: AbortSignal,
): Promise<void> =>
  keepReporting(
    self,
    {
      ...to,
      onTrouble: (error) => {
        log.warn({ err: error }, 'the report did not reach the API');
      },
    },
    signal,
  );

const keepServing = (service: ReturnType<typeof agentService>, ready: ReadyFile, signal: AbortSignal): Promise<void> =>
  serveWorkers(
    {
      ...service,
      onServing: () => {
        ready.serving();
        log.info({ address: service.place.address }, 'serving');
      },
      onTrouble: (error, pauseMs) => {
        ready.notServing();
        log.warn({ err: error, pauseMs }, 'Temporal is away, trying again');
      },
    },
    signal,
  );

/** Paths of a setting that are separated by colons. */
const listOf = (paths = ''): readonly string[] => paths.split(':').filter((path) => path !== '');

const stopOver = (parts: Pick<StopOver, 'jobs' | 'channel'>, signal: AbortSignal): Promise<void> =>
  keepStoppingOver(
    {
      ...parts,
      everyMs: undoMs,
      onStopped: (runId) => {
        log.warn({ runId }, 'the run is over: its work is stopped');
      },
    },
    signal,
  );

const undoLeft = (
  parts: Pick<Undoing, 'home' | 'scratch' | 'channel' | 'isLive'>,
  signal: AbortSignal,
): Promise<void> =>
  keepUndoing(
    {
      ...parts,
      everyMs: undoMs,
      onUndone: (runId) => {
        log.warn({ runId }, 'the run is over: what it left was cleaned up');
      },
      onTrouble: (runId, error) => {
        log.warn({ runId, err: error }, 'what a run left cannot be cleaned up yet');
      },
    },
    signal,
  );

const tracerOf = (settings: AgentSettings): Tracer =>
  openTracer(settings, {
    service: 'holdfast-agent',
    onTrouble: (error) => {
      log.warn({ err: error }, 'no trace could be told');
    },
  });

const settleSlots = (parts: Pick<SlotKeeping, 'home' | 'channel' | 'isLive'>, signal: AbortSignal): Promise<void> =>
  keepSlots(
    {
      ...{ ...parts, clock, everyMs: undoMs },
      onDropped: (runId, slot) => {
        log.warn({ runId, slot }, 'the stream was cancelled without this agent: its replication slot is dropped');
      },
      onTrouble: (runId, error) => {
        log.warn({ runId, err: error }, 'the slot of a stream cannot be seen to yet');
      },
    },
    signal,
  );

/** Where this agent polls, and the key of the payloads it finds there. */
const queuesOf = (settings: AgentSettings, identity: HostIdentity, payloadKey: KeyRing) => ({
  place: temporalPlaceOf(
    { address: settings.temporalAddress ?? identity.temporalAddress, namespace: identity.temporalNamespace },
    settings,
  ),
  payloadKey,
  hostId: identity.hostId,
  queuePrefix: settings.queuePrefix ?? identity.queuePrefix,
});

try {
  await main();
} catch (error) {
  const known = error instanceof HoldfastError ? { code: error.code, cause: error.message, hint: error.hint } : {};
  log.fatal({ err: error, ...known }, 'the agent cannot start');
  process.exitCode = error instanceof HoldfastError ? exitCodes[error.class] : exitCodes.bug;
}
