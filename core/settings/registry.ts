import type { z } from 'zod';
import { fail } from '../errors/fail.ts';

type SettingsShape = z.ZodObject<z.ZodRawShape>;

const words = (key: string): string[] => key.split(/(?=[A-Z])/);

/** Names of a standard that is not ours stay as it has them: `otelExporterOtlpEndpoint` → `OTEL_EXPORTER_OTLP_ENDPOINT`. */
const isOfOthers = (key: string): boolean => key.startsWith('otel');

/** Environment name of a setting by rule: `catalogUrl` → `HOLDFAST_CATALOG_URL`. */
export const envName = (key: string): string =>
  `${isOfOthers(key) ? '' : 'HOLDFAST_'}${words(key).join('_').toUpperCase()}`;

/**
 * Reads a settings record from an environment; empty variables count as absent. Numbers are written as decimal text.
 * Throws `setting_invalid` with the name of the variable. Only `main.ts` files bring `process.env` here.
 */
export function readSettings<S extends SettingsShape>(
  schema: S,
  env: Readonly<Record<string, string | undefined>>,
): z.output<S> {
  const given: Record<string, string> = {};
  for (const key of Object.keys(schema.shape)) {
    const text = env[envName(key)];
    if (text !== undefined && text !== '') given[key] = text;
  }
  const parsed = schema.safeParse(given);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw fail('setting_invalid', { name: envName(String(issue?.path[0] ?? '')), reason: issue?.message ?? 'not valid' });
}
