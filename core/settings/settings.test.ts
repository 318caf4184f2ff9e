import { expect, test } from 'vitest';
import { z } from 'zod';
import { backupOptionsShape } from './backup-options.ts';
import { clientSettings } from './client-settings.ts';
import { agentSettings } from './agent-settings.ts';
import { envName, readSettings } from './registry.ts';
import { traceFields } from './trace-settings.ts';
import { serverSettings } from './server-settings.ts';
import { restoreTargetShape } from './restore-options.ts';

test('a setting has one environment name by rule', () => {
  expect(envName('catalogUrl')).toBe('HOLDFAST_CATALOG_URL');
});

test('every setting says what it is and since when', () => {
  for (const schema of [serverSettings, agentSettings, clientSettings]) {
    for (const [name, field] of Object.entries(schema.shape)) {
      const { title = '', description = '' } = field.meta() ?? {};
      expect(title.length * description.length, name).toBeGreaterThan(0);
      expect(field.meta(), name).toMatchObject({ since: '0.1' });
    }
  }
});

test('a missing or malformed setting is refused by its name, an empty one counts as absent', () => {
  expect(() => readSettings(serverSettings, { HOLDFAST_HOME: '' })).toThrow(/HOLDFAST_HOME/);
  const env = { HOLDFAST_HOME: '/h', HOLDFAST_CATALOG_URL: 'postgresql:///x', HOLDFAST_API_PORT: '99999' };
  expect(() => readSettings(serverSettings, env)).toThrow(/HOLDFAST_API_PORT/);
  expect(readSettings(serverSettings, { ...env, HOLDFAST_API_PORT: '' })).toMatchObject({
    apiPort: 8420,
    queuePrefix: '',
  });
});

test('K-079 K-080 K-081 backup options have the documented defaults and ranges', () => {
  expect(backupOptionsShape.parse({})).toEqual({
    channels: 1,
    compression: { mode: 'fast' },
    archiveRetention: { mode: 'delete' },
    limits: {},
    isFastCheckpoint: true,
  });
  for (const channels of [0, 256, 1.5]) expect(() => backupOptionsShape.parse({ channels })).toThrow();
  expect(() => backupOptionsShape.parse({ archiveDirectory: 'relative' })).toThrow();
});

test('K-089 a restore time without a zone is refused', () => {
  expect(() => restoreTargetShape.parse({ at: 'time', time: '2026-11-21 08:12:20' })).toThrow();
  expect(restoreTargetShape.parse({ at: 'time', time: '2026-11-21 08:12:20+08' })).toMatchObject({
    time: '2026-11-21T00:12:20.000000Z',
  });
});

test('settings of OpenTelemetry keep their standard names; what is not a header is refused without its words', () => {
  expect(envName('otelExporterOtlpEndpoint')).toBe('OTEL_EXPORTER_OTLP_ENDPOINT');
  const read = (endpoint: string, headers: string) =>
    readSettings(z.object(traceFields), {
      OTEL_EXPORTER_OTLP_ENDPOINT: endpoint,
      OTEL_EXPORTER_OTLP_HEADERS: headers,
    });
  const endpoint = 'https://collector:4318';
  expect(read(endpoint, 'authorization=Bearer%20x, b=c')).toMatchObject({ otelExporterOtlpEndpoint: endpoint });
  for (const headers of ['secret', 'a=secret%0d%0ax', 'a=secret%', 'secret word=x'])
    expect(() => read(endpoint, headers)).toThrow(
      expect.objectContaining({
        code: 'setting_invalid',
        message: expect.not.stringContaining('secret') as string,
      }) as Error,
    );
  for (const url of ['collector:4318', 'https://me:secret@collector', 'ftp://collector'])
    expect(() => read(url, '')).toThrow(expect.objectContaining({ code: 'setting_invalid' }) as Error);
});
