/** `npm start`: the whole platform in the foreground, with a demo PostgreSQL; ends with Ctrl-C. */
import { mkdirSync } from 'node:fs';
import { exitCodes } from '#core/errors/error-spec.ts';
import { HoldfastError } from '#core/errors/holdfast-error.ts';
import { defaultHome } from '../supervisor/home.ts';
import { untilAskedToEnd } from '../supervisor/lifetime.ts';
import type { Stack } from '../supervisor/stack.ts';
import { openStack } from '../supervisor/stack.ts';
import type { PartName, StackPorts } from '../supervisor/stack-parts.ts';
import { closeForUser, closeInstance, openForUser } from './demo-instance.ts';
import { givenSettings } from './given-settings.ts';
import type { StartRequest } from './start-options.ts';
import { requestFrom, usage } from './start-options.ts';

const say = (line: string): void => {
  process.stdout.write(`${line}\n`);
};

/** Documented fixed ports: docs say 8420 and up; `--port-base` moves all of them. */
const portsFrom = (base: number): StackPorts => ({
  ...{ api: base, temporal: base + 1, temporalUi: base + 2, temporalHttp: base + 3, temporalMetrics: base + 4 },
  minio: base + 5,
});

const describe = ({ places }: Stack): void => {
  say('');
  say('Holdfast runs. Open:');
  say(`  API            ${places.apiUrl}/openapi.json   (token in ${places.adminTokenPath})`);
  say(`  Temporal Web   ${places.temporalUiUrl ?? '-'}`);
  say(
    `  Demo instance  psql -h ${places.instance?.socketDirectory ?? '-'} -U postgres   (password in ${places.instance?.folder ?? '-'}/password)`,
  );
  say(`  Commands       HOLDFAST_HOME=${places.home} HOLDFAST_API_URL=${places.apiUrl} bin/holdfast.mjs host ls`);
  say(
    '  Close it       npm start -- --demo-instance close   (for a restore in place, which opens it again; so does `open`)',
  );
  say('Ctrl-C stops everything.');
};

const serve = async (home: string, base: number): Promise<void> => {
  mkdirSync(home, { recursive: true });
  say(`Holdfast starts; data and logs in ${home}`);
  const isAskedToEnd = untilAskedToEnd();
  const stack = await openStack({
    home,
    parts: ['catalog', 'temporal', 'demo-instance', 'api', 'worker', 'agent'],
    ports: portsFrom(base),
    hasTemporalUi: true,
    hasClientTools: true,
    env: givenSettings(process.env),
  });
  describe(stack);
  const reason = await keepRunning(stack, isAskedToEnd);
  say(`Stopping (${reason}).`);
  await stack.close();
  // One that a restore in place or a person opened is nobody's child.
  await closeInstance(home);
  if (reason.endsWith(' ended')) process.exitCode = 1;
};

/** Our own programs may be killed at any time: they start again. Servers that end take the platform down, but for the demo instance. */
const restarted = new Set<PartName>(['api', 'worker', 'agent']);
const mostRestarts = 20;

const keepRunning = async (stack: Stack, asked: Promise<string>): Promise<string> => {
  for (let restarts = 0; ; restarts++) {
    const ended = stack.nextBroken().then((part) => ({ part }));
    const event = await Promise.race([asked, ended]);
    if (typeof event === 'string') return event;
    const { part } = event;
    if (part === 'demo-instance') {
      say('The demo instance is closed; everything else goes on.');
      continue;
    }
    if (!restarted.has(part) || restarts >= mostRestarts) return `${part} ended`;
    say(`${part} ended; starting it again.`);
    await stack.start(part);
  }
};

const answer = async (request: StartRequest): Promise<void> => {
  const home = process.env['HOLDFAST_HOME'] ?? defaultHome();
  if (request.does === 'help') say(usage);
  else if (request.does === 'serve') await serve(home, request.portBase);
  else say(await (request.does === 'close' ? closeForUser(home) : openForUser(home)));
};

const main = async (): Promise<void> => answer(requestFrom(process.argv.slice(2)));

await main().catch((error: unknown) => {
  const isOurs = error instanceof HoldfastError;
  process.stderr.write(isOurs ? `${error.message}\n${error.hint}\n` : `${String(error)}\n`);
  process.exitCode = isOurs ? exitCodes[error.class] : 1;
});
// Why: a time-out of a library may still hold the event loop; everything of ours has ended.
process.exit();
