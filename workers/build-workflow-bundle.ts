import { mkdir, rename, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode } from '@temporalio/worker';

const fromHere = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

/** Bundles all workflow code once, so that no worker runs webpack at start. */
export async function buildWorkflowBundle(target: string): Promise<void> {
  const { code } = await bundleWorkflowCode({
    workflowsPath: fromHere('../workflows/index.ts'),
    failureConverterPath: fromHere('../wire/failure-converter.ts'),
    webpackConfigHook: (config) => ({
      ...config,
      mode: 'production',
      devtool: 'inline-nosources-source-map',
      optimization: { minimize: false },
    }),
  });
  await mkdir(dirname(target), { recursive: true });
  await writeFile(`${target}.new`, code);
  await rename(`${target}.new`, target);
}

await buildWorkflowBundle(fromHere('../dist/workflow-bundle.js'));
