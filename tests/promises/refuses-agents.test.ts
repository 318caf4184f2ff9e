import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { bug } from '#core/errors/fail.ts';
import type { Child } from '#scripts/supervisor/child.ts';
import { projectRoot, startProgram } from '#scripts/supervisor/program.ts';
import type { Platform } from '#tests/support/platform.ts';
import { openPlatform } from '#tests/support/platform.ts';

let platform: Platform;
beforeAll(async () => {
  platform = await openPlatform();
});
afterAll(async () => {
  await platform.close();
});

/** Makes Node load the built programs with another version in them: an agent of an older release. */
const oldRelease = (): string => {
  const load = `export async function load(url, context, next) {
    const loaded = await next(url, context);
    if (!url.includes('/dist/')) return loaded;
    return { ...loaded, source: String(loaded.source).replace(/productVersion = "[^"]+"/, 'productVersion = "0.0.9"') };
  }`;
  const hook = `data:text/javascript,${encodeURIComponent(load)}`;
  const register = `import { register } from 'node:module'; register(${JSON.stringify(hook)});`;
  return `--import=data:text/javascript,${encodeURIComponent(register)}`;
};

interface Enrolled {
  readonly exit: number;
  /** The last line of its log that tells why it did not start. */
  readonly why: { readonly code: string; readonly cause: string; readonly hint: string } | undefined;
  readonly output: string;
}

const fatalShape = z.looseObject({ level: z.literal(60), code: z.string(), cause: z.string(), hint: z.string() });
const whyOf = (line: string): Enrolled['why'][] => {
  if (!line.startsWith('{')) return [];
  const fatal = fatalShape.safeParse(JSON.parse(line));
  return fatal.success ? [fatal.data] : [];
};

let homes = 0;
/** `holdfast agent --enrol` on a host of its own, as an administrator types it. */
const enrol = (token: string, nodeOptions = ''): Promise<Enrolled & { readonly home: string }> => {
  const home = join(platform.folder, `host-${String(++homes)}`);
  mkdirSync(home);
  const file = join(home, 'token');
  writeFileSync(file, token, { mode: 0o600 });
  const args = [
    join(projectRoot, 'bin', 'holdfast.mjs'),
    'agent',
    '--enrol',
    file,
    '--api',
    platform.stack.places.apiUrl,
    '--home',
    home,
  ];
  const env = { PATH: process.env['PATH'] ?? '', NODE_OPTIONS: nodeOptions };
  return new Promise((resolve, reject) => {
    execFile(process.execPath, args, { env }, (error, out, err) => {
      const exit = error === null ? 0 : error.code;
      const [why] = out.split('\n').flatMap(whyOf);
      if (typeof exit !== 'number') reject(bug('an agent ends with a code', error));
      else resolve({ home, exit, why, output: out + err });
    });
  });
};

const token = async (): Promise<string> =>
  z
    .object({ token: z.string() })
    .loose()
    .parse(await platform.done(['host', 'token'])).token;
const hosts = async (): Promise<number> => z.array(z.unknown()).parse(await platform.done(['host', 'ls'])).length;
const catalog = async (statement: string): Promise<void> => {
  const client = await platform.stack.places.catalog.connect('holdfast');
  await client.query(statement);
  await client.end();
};

test('K-012 an enrolment token enrols one host, once; the second host is refused and gets no identity', async () => {
  const once = await token();
  expect(await enrol(once)).toMatchObject({ exit: 0 });
  expect(await hosts()).toBe(2);
  const again = await enrol(once);
  expect(again).toMatchObject({
    exit: 4,
    why: { code: 'enrolment_refused', hint: expect.stringContaining('holdfast host token') as string },
  });
  expect(again.output).not.toContain(once);
  expect(existsSync(join(again.home, 'host.json'))).toBe(false);
  expect(await hosts()).toBe(2);
});

test('K-012 an expired enrolment token is refused', async () => {
  const late = await token();
  await catalog("update enrolment_token set expires_at = now() - interval '1 second' where used_at is null");
  const before = await hosts();
  const refused = await enrol(late);
  expect(refused).toMatchObject({ exit: 4, why: { code: 'enrolment_refused' } });
  expect(existsSync(join(refused.home, 'host.json'))).toBe(false);
  expect(await hosts()).toBe(before);
});

test('K-013 an agent that is too old is refused at enrolment and does not use its token up', async () => {
  const good = await token();
  const before = await hosts();
  const old = await enrol(good, oldRelease());
  expect(old).toMatchObject({
    exit: 3,
    why: { code: 'agent_too_old', cause: expect.stringContaining('0.0.9') as string },
  });
  expect(existsSync(join(old.home, 'host.json'))).toBe(false);
  expect(await hosts()).toBe(before);
  expect(await enrol(good)).toMatchObject({ exit: 0 });
});

test('K-013 a host whose agent is older than the server works with gets no work, until it is upgraded', async () => {
  const { stack, folder, host } = platform;
  await stack.kill('agent');
  const { agentHome, apiUrl } = stack.places;
  const env = { HOLDFAST_AGENT_HOME: agentHome, HOLDFAST_API_URL: apiUrl, NODE_OPTIONS: oldRelease() };
  const old: Child = await startProgram({ name: 'agent', env, folder, isReady: (log) => log.includes('serving') });
  const refusal = await platform.refused(3, ['run', 'noop', host, '--wait']);
  expect(refusal).toMatchObject({ code: 'agent_too_old', params: { version: '0.0.9' } });
  await old.stop();
  await stack.start('agent');
  expect(await platform.done(['run', 'noop', host, '--wait'])).toMatchObject({ state: 'succeeded' });
});

test('K-010 a missing, a wrong and an expired API token are refused, and so is a role that may not act', async () => {
  const { adminTokenPath } = platform.stack.places;
  expect(
    await platform.refused(4, ['host', 'ls'], { HOLDFAST_TOKEN: `hf_${'0'.repeat(32)}_${'A'.repeat(43)}` }),
  ).toMatchObject({ code: 'token_refused' });
  expect(await platform.refused(4, ['host', 'ls'], { HOLDFAST_HOME: '' })).toMatchObject({ code: 'token_missing' });
  expect(existsSync(adminTokenPath)).toBe(true);
  await catalog("update api_token set expires_at = now() - interval '1 second'");
  expect(await platform.refused(4, ['host', 'ls'])).toMatchObject({ code: 'token_refused' });
  await catalog("update api_token set expires_at = null, role = 'operator'");
  const denied = await platform.refused(4, ['host', 'token']);
  expect(denied).toMatchObject({ code: 'permission_denied', params: { role: 'operator', action: 'manage hosts' } });
  await catalog("update api_token set role = 'auditor'");
  expect(await platform.refused(4, ['run', 'noop', platform.host])).toMatchObject({ code: 'permission_denied' });
  await catalog("update api_token set role = 'administrator'");
  expect(await platform.done(['host', 'ls'])).toHaveLength(3);
});
