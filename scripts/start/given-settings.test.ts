import { expect, test } from 'vitest';
import { givenSettings } from './given-settings.ts';

test('npm start hands settings on to its parts, but keeps where they are and how they find each other', () => {
  const given = {
    HOLDFAST_NOTICE_ALLOW: '127.0.0.1/32',
    HOLDFAST_SMTP_URL: 'smtp://mail',
    OTEL_EXPORTER_OTLP_ENDPOINT: 'http://traces',
  };
  const kept = {
    HOLDFAST_HOME: '/elsewhere',
    HOLDFAST_TEMPORAL_ADDRESS: 'other:7233',
    HOLDFAST_TOKEN: 'x',
    PATH: '/bin',
  };
  expect(givenSettings({ ...given, ...kept, HOLDFAST_REPORT_SECONDS: undefined })).toEqual(given);
});
