import { createServer } from 'node:http';
import type { TestProject } from 'vitest/node';
import { buildAll } from '#scripts/build.mjs';
import { provideTemporal } from '#scripts/servers/temporal.mjs';
import type { TemporalServer } from '#scripts/supervisor/temporal.ts';
import { startTemporal } from '#scripts/supervisor/temporal.ts';
import { openFolder } from './folder.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** Where test files ask for the one Temporal server of this run; it starts when the first one asks. */
    temporalDoor: string;
  }
}

/** One server for all files of a run, started on the first question: many runs need none. */
const openTemporal = (): { address: () => Promise<string>; close: () => Promise<void> } => {
  const folder = openFolder('hf-temporal-');
  let server: Promise<TemporalServer> | undefined;
  const start = async (): Promise<TemporalServer> =>
    startTemporal({ program: await provideTemporal(), folder: folder.path });
  return {
    address: async () => (await (server ??= start())).address,
    close: async () => {
      await (await server?.catch(() => undefined))?.child.stop();
      folder.remove();
    },
  };
};

/** Before all tests: build what the programs and worker threads load from `dist/`, and open the door to Temporal. */
export default async function setUp(project: TestProject): Promise<() => Promise<void>> {
  await buildAll().catch((error: unknown) => {
    if (process.env['HOLDFAST_DEMAND'] === '1') throw error;
    process.stderr.write(`holdfast: the build failed; tests that load dist/ will fail too.\n${String(error)}\n`);
  });
  const temporal = openTemporal();
  const door = createServer((_request, response) => {
    temporal.address().then(
      (address) => response.end(address),
      (error: unknown) => response.writeHead(500).end(String(error)),
    );
  });
  await new Promise<void>((resolve) => door.listen(0, '127.0.0.1', resolve));
  const address = door.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  project.provide('temporalDoor', `http://127.0.0.1:${String(port)}/`);
  return async () => {
    door.close();
    await temporal.close();
  };
}
