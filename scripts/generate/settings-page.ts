import { z } from 'zod';
import { agentSettings } from '#core/settings/agent-settings.ts';
import { clientSettings } from '#core/settings/client-settings.ts';
import { envName, flagName } from '#core/settings/registry.ts';
import { serverSettings } from '#core/settings/server-settings.ts';

const records = {
  '`holdfast api`, `holdfast worker`, `holdfast init`': serverSettings,
  '`holdfast agent`': agentSettings,
  'Command line': clientSettings,
} as const;

const cell = (text: string): string => text.replaceAll('|', '\\|');
const described = z.looseObject({
  description: z.string(),
  unit: z.string().optional(),
  example: z.string().optional(),
});
const withDefault = z.looseObject({ default: z.union([z.string(), z.number(), z.boolean()]) });

const row = (key: string, schema: z.ZodType): string => {
  const { description, unit, example } = described.parse(schema.meta() ?? {});
  const json = withDefault.safeParse(z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }));
  const value = json.success ? `\`${String(json.data.default)}\`` : '';
  const sample = example === undefined ? '' : `\`${example}\``;
  const text = unit === undefined ? description : `${description} (${unit})`;
  return `| \`${envName(key)}\` | \`${flagName(key)}\` | ${value} | ${sample} | ${cell(text)} |`;
};

/** docs/reference/settings.md: every setting of the programs, from the one record that also reads it. */
export const settingsPage = (): string => {
  const head = ['| environment | flag | default | example | meaning |', '|---|---|---|---|---|'];
  const parts = Object.entries(records).flatMap(([title, record]) => {
    const rows = Object.entries(record.shape).map(([key, schema]) => row(key, schema));
    return [`## ${title}`, '', ...head, ...rows, ''];
  });
  return ['# Settings', '', ...parts].join('\n');
};
