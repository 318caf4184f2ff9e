import { fail } from '#core/errors/fail.ts';
import type { TemporalAccess } from '#core/settings/temporal-access.ts';
import type { TemporalPlace } from './connect.ts';
import { readSettingFile } from './secret-text.ts';

/**
 * Where Temporal is and how it is spoken to. An API key is never sent in the clear: it switches TLS on. Throws
 * `setting_invalid` for a file that cannot be read and for a certificate without its key or a key without its certificate.
 */
export function temporalPlaceOf(
  where: Pick<TemporalPlace, 'address' | 'namespace'>,
  access: TemporalAccess,
): TemporalPlace {
  const { temporalApiKeyFile: keyFile, temporalTlsServerName: serverName } = access;
  const [serverCa, clientCertificate, clientKey] = tlsFiles(access);
  const isTls = [serverCa, clientCertificate, serverName, keyFile].some((one) => one !== undefined);
  return {
    ...where,
    ...(isTls || access.temporalTls === 'yes' ? { tls: { serverCa, clientCertificate, clientKey, serverName } } : {}),
    ...(keyFile === undefined ? {} : { apiKey: () => readSettingFile('HOLDFAST_TEMPORAL_API_KEY_FILE', keyFile) }),
  };
}

function tlsFiles({ temporalTlsCa, temporalTlsCert, temporalTlsKey }: TemporalAccess): (string | undefined)[] {
  if ((temporalTlsCert === undefined) !== (temporalTlsKey === undefined)) {
    const [given, missing] = temporalTlsKey === undefined ? ['CERT', 'KEY'] : ['KEY', 'CERT'];
    const reason = `HOLDFAST_TEMPORAL_TLS_${given} is given without it`;
    throw fail('setting_invalid', { name: `HOLDFAST_TEMPORAL_TLS_${missing}`, reason });
  }
  const files = [
    ['HOLDFAST_TEMPORAL_TLS_CA', temporalTlsCa],
    ['HOLDFAST_TEMPORAL_TLS_CERT', temporalTlsCert],
    ['HOLDFAST_TEMPORAL_TLS_KEY', temporalTlsKey],
  ] as const;
  return files.map(([name, file]) => (file === undefined ? undefined : readSettingFile(name, file)));
}
