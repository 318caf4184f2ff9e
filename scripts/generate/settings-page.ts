import { z } from 'zod';
import { agentFlags, agentSettings } from '#core/settings/agent-settings.ts';
import { clientSettings } from '#core/settings/client-settings.ts';
import { envName } from '#core/settings/registry.ts';
import { serverSettings } from '#core/settings/server-settings.ts';

interface Part {
  readonly title: string;
  readonly record: typeof serverSettings | typeof agentSettings | typeof clientSettings;
  /** Flags by setting; the settings without one are read from the environment only. */
  readonly flags: Readonly<Record<string, string>>;
}

const parts: readonly Part[] = [
  { title: '`holdfast api`, `holdfast worker`, `holdfast init`', record: serverSettings, flags: {} },
  { title: '`holdfast agent`', record: agentSettings, flags: agentFlags },
  { title: 'Every other command', record: clientSettings, flags: {} },
];

const cell = (text: string): string => text.replaceAll('|', '\\|');
const described = z.looseObject({
  description: z.string(),
  unit: z.string().optional(),
  example: z.string().optional(),
});
const withDefault = z.looseObject({ default: z.union([z.string(), z.number(), z.boolean()]) });

const row = (key: string, schema: z.ZodType, flag: string | undefined): string => {
  const { description, unit, example } = described.parse(schema.meta() ?? {});
  const json = withDefault.safeParse(z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }));
  const value = json.success ? `\`${String(json.data.default)}\`` : '';
  const sample = example === undefined ? '' : `\`${example}\``;
  const text = unit === undefined ? description : `${description} (${unit})`;
  const shown = flag === undefined ? '' : `\`--${flag}\``;
  return `| \`${envName(key)}\` | ${shown} | ${value} | ${sample} | ${cell(text)} |`;
};

/** docs/reference/settings.md: every setting of the programs, from the one record that also reads it. */
export const settingsPage = (): string => {
  const head = ['| environment | flag | default | example | meaning |', '|---|---|---|---|---|'];
  const lines = parts.flatMap(({ title, record, flags }) => {
    const rows = Object.entries(record.shape).map(([key, schema]) => row(key, schema, flags[key]));
    return [`## ${title}`, '', ...head, ...rows, ''];
  });
  return ['# Settings', '', ...lines].join('\n');
};
