import type { KeyObject } from 'node:crypto';
import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, sign, verify } from 'node:crypto';
import type { SignedReport } from '#core/drill/drill-report.ts';
import { fail } from '#core/errors/fail.ts';
import { createSecretFile, readSecretFile } from './pools/key-files.ts';

/** Makes the key that reports of drills are signed with, unless it is there: Ed25519, PEM (PKCS #8), 0600. */
export const ensureReportKey = (file: string): Promise<boolean> =>
  createSecretFile(file, generateKeyPairSync('ed25519').privateKey.export({ format: 'pem', type: 'pkcs8' }).toString());

export interface ReportSigner {
  /** PEM (SPKI). */
  readonly publicKey: string;
  sign(text: string): SignedReport;
}

/** Throws `key_missing`, `key_unsafe`. */
export async function openReportSigner(file: string): Promise<ReportSigner> {
  const privateKey = createPrivateKey(await readSecretFile(file));
  const publicKey = createPublicKey(privateKey).export({ format: 'pem', type: 'spki' }).toString();
  return {
    publicKey,
    sign: (text) => ({
      ...{ text, sha256: sha256Of(text), publicKey },
      signature: sign(null, Buffer.from(text), privateKey).toString('base64'),
    }),
  };
}

const sha256Of = (text: string): string => createHash('sha256').update(text).digest('hex');

/** Throws `drill_report_forged` unless the report was signed with the private part of `publicKey`. */
export function demandGenuine({ text, sha256, signature }: SignedReport, publicKey: string): void {
  if (sha256Of(text) !== sha256) throw fail('drill_report_forged', { why: 'its text has another hash' });
  if (!isSignedBy(text, signature, publicKey))
    throw fail('drill_report_forged', { why: 'the signature is not one of this key over this text' });
}

function isSignedBy(text: string, signature: string, publicKey: string): boolean {
  const key = keyOf(publicKey);
  return key.asymmetricKeyType === 'ed25519' && verify(null, Buffer.from(text), key, Buffer.from(signature, 'base64'));
}

function keyOf(publicKey: string): KeyObject {
  try {
    return createPublicKey(publicKey);
  } catch (cause) {
    throw fail('drill_report_forged', { why: 'the public key cannot be read' }, cause);
  }
}
