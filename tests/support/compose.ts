import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';
import { projectRoot } from '#scripts/supervisor/program.ts';

const texts = z.array(z.string());
const conditions = z.record(z.string(), z.object({ condition: z.string() }));
const serviceShape = z.looseObject({
  image: z.string(),
  build: z.object({ context: z.literal('.'), target: z.string() }).optional(),
  command: texts.optional(),
  environment: z.record(z.string(), z.string()).default({}),
  volumes: texts.default([]),
  secrets: texts.default([]),
  depends_on: conditions.default({}),
  healthcheck: z.object({ test: texts }).optional(),
  ports: texts.default([]),
});
export type ComposeService = z.output<typeof serviceShape>;

const fileShape = z.looseObject({
  services: z.record(z.string(), serviceShape),
  secrets: z.record(z.string(), z.object({ file: z.string() })),
  volumes: z.record(z.string(), z.null()),
});

/** docker-compose.yml of the checkout: as it is written, and what of it our tests read. */
export const readCompose = () => {
  const written: unknown = parse(readFileSync(join(projectRoot, 'docker-compose.yml'), 'utf8'), { merge: true });
  return { written, file: fileShape.parse(written) };
};

/** `ENTRYPOINT` of a target of the Dockerfile, in its JSON form. */
export function entrypointOf(target: string): readonly string[] {
  const text = readFileSync(join(projectRoot, 'Dockerfile'), 'utf8');
  const stage = text.split(/^FROM /m).find((one) => one.split('\n')[0]?.endsWith(` AS ${target}`));
  return texts.parse(JSON.parse(/^ENTRYPOINT (\[.*\])$/m.exec(stage ?? '')?.[1] ?? '[]'));
}

/** As Compose reads a value: `$$` stands for `$`. */
export const unescaped = (text: string): string => text.replaceAll('$$', '$');
