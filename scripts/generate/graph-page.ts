import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { ICruiseResult } from 'dependency-cruiser';
import { cruise } from 'dependency-cruiser';
import { bug } from '#core/errors/fail.ts';
import configuration from '../../.dependency-cruiser.cjs';

const layers = ['core', 'workflows', 'activities', 'agent', 'wire', 'catalog', 'workers', 'api', 'ui'];
const isTest = (path: string): boolean => /[.]test[.]ts$/.test(path);

const layerOf = (path: string): string | undefined => layers.find((layer) => path.startsWith(`${layer}/`));

const edgesOf = (result: ICruiseResult): string[] => {
  const edges = result.modules
    .filter(({ source }) => !isTest(source))
    .flatMap(({ source, dependencies }) =>
      dependencies.map(({ resolved }) => [layerOf(source), layerOf(resolved)] as const),
    )
    .flatMap(([from, to]) => (from === undefined || to === undefined || from === to ? [] : [`  ${from} --> ${to}`]));
  return [...new Set(edges)].sort();
};

/** docs/reference/dependency-graph.md: which layer imports which, as the code is. */
export const graphPage = async (root: string): Promise<string> => {
  const present = layers.filter((layer) => existsSync(join(root, layer)));
  const options = { ...configuration.options, baseDir: root, outputType: 'json' as const };
  const { output } = await cruise(present, options);
  if (typeof output !== 'string') throw bug('the json reporter answers text');
  const result = JSON.parse(output) as ICruiseResult;
  const graph = ['```mermaid', 'graph LR', ...edgesOf(result), '```'];
  return ['# Layers', '', 'An arrow reads "imports". Tests are left out.', '', ...graph, ''].join('\n');
};
