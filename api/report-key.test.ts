import { statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { openFolder } from '#tests/support/folder.ts';
import { demandGenuine, ensureReportKey, openReportSigner } from './report-key.ts';

const folder = openFolder('hf-report-');
afterAll(() => {
  folder.remove();
});

test('K-092 a report is genuine only with its own text, hash and key; the key is made once and closed to others', async () => {
  const [file, other] = [join(folder.path, 'report.key'), join(folder.path, 'other.key')];
  expect([await ensureReportKey(file), await ensureReportKey(file), await ensureReportKey(other)]).toEqual([
    ...[true, false, true],
  ]);
  expect(statSync(file).mode & 0o777).toBe(0o600);
  const signer = await openReportSigner(file);
  const signed = signer.sign('{"isPassed":true}');
  const stranger = await openReportSigner(other);
  expect(() => {
    demandGenuine(signed, signer.publicKey);
  }).not.toThrow();
  const text = signed.text.replace('true', 'null');
  const forged = [
    { ...signed, text },
    { ...stranger.sign(text), publicKey: signer.publicKey },
    { ...stranger.sign(text), signature: signed.signature },
    { ...signed, signature: '' },
  ];
  for (const one of forged)
    expect(() => {
      demandGenuine(one, signer.publicKey);
    }).toThrow(expect.objectContaining({ code: 'drill_report_forged' }));
  expect(() => {
    demandGenuine(signed, 'no key');
  }).toThrow(expect.objectContaining({ code: 'drill_report_forged' }));
});
