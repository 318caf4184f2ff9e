import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { Ajv } from 'ajv';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { projectRoot } from '#scripts/supervisor/program.ts';
import { readCompose } from '#tests/support/compose.ts';

const require = createRequire(import.meta.url);
const { written, file } = readCompose();
const services = Object.entries(file.services);

test('docker-compose.yml is what the Compose Specification allows', () => {
  // Why out of dclint: it is the kept package that carries the specification's own schema.
  const path = join(dirname(require.resolve('dclint/package.json')), 'schemas', 'compose.schema.json');
  const schema = z.record(z.string(), z.unknown()).parse(JSON.parse(readFileSync(path, 'utf8')));
  // The name of its draft there is spelled with https, which no validator knows.
  const ajv = new Ajv({ strict: false, allErrors: true, validateFormats: false });
  const validate = ajv.compile({ ...schema, $schema: 'http://json-schema.org/draft-07/schema#' });
  validate(written);
  expect(validate.errors ?? []).toEqual([]);
  expect(validate({ services: { one: { imagine: 'no such word' } } })).toBe(false);
});

test('every image of the deployment is pinned, and nothing is open to other machines', () => {
  for (const [name, { image, ports }] of services) {
    expect(image, name).toMatch(/:(RELEASE\.)?\d[\w.-]+$/);
    for (const port of ports) expect(port, name).toMatch(/^127\.0\.0\.1:/);
  }
});

test('no password of the deployment has a default or stands in an environment', () => {
  const text = readFileSync(join(projectRoot, 'docker-compose.yml'), 'utf8');
  expect(text).not.toMatch(/\$\{/);
  for (const [name, { environment }] of services)
    for (const [key, value] of Object.entries(environment))
      if (/PASSWORD|PWD|SECRET|TOKEN/.test(key))
        expect(value, `${name} ${key}`).toMatch(/^\/(run\/secrets|var\/lib)\//);
  for (const { file: path } of Object.values(file.secrets)) expect(path).toMatch(/^\.\/secrets\//);
});

test('what the services name is there: volumes, secrets, and what they wait for', () => {
  for (const [name, service] of services) {
    for (const secret of service.secrets) expect(Object.keys(file.secrets), name).toContain(secret);
    for (const volume of service.volumes) expect(Object.keys(file.volumes), name).toContain(volume.split(':')[0]);
    for (const [other, { condition }] of Object.entries(service.depends_on)) {
      const awaited = file.services[other];
      expect(awaited, `${name} waits for ${other}`).toBeDefined();
      if (condition === 'service_healthy') expect(awaited?.healthcheck, other).toBeDefined();
    }
  }
});
