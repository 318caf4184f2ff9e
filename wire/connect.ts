import type { TLSConfig } from '@temporalio/client';
import { Client, Connection } from '@temporalio/client';
import { dataConverterOf } from './data-converter.ts';
import type { KeyRing } from './key-ring.ts';
import type { PayloadKey } from './payload-key.ts';

/** Where Temporal is. TLS parts are PEM texts; absent = plain (a server on the same machine). */
export interface TemporalPlace {
  readonly address: string;
  readonly namespace: string;
  readonly tls?: {
    readonly serverCa?: string | undefined;
    readonly clientCertificate?: string | undefined;
    readonly clientKey?: string | undefined;
    /** Name in the certificate of the server, when its address is another. */
    readonly serverName?: string | undefined;
  };
  /** Asked for each connection, so that a new key needs no restart. */
  readonly apiKey?: () => string;
}

/** Options for `Connection.connect` and, as they are the same words, `NativeConnection.connect`. */
export function connectionOptions({ address, tls, apiKey }: TemporalPlace): SharedOptions {
  const key = apiKey === undefined ? {} : { apiKey: apiKey() };
  return { address, ...key, ...(tls === undefined ? {} : { tls: tlsOptions(tls) }) };
}

interface SharedOptions {
  readonly address: string;
  readonly apiKey?: string;
  readonly tls?: TLSConfig;
}

const tlsOptions = ({
  serverCa,
  clientCertificate,
  clientKey,
  serverName,
}: NonNullable<TemporalPlace['tls']>): TLSConfig => ({
  ...(serverCa === undefined ? {} : { serverRootCACertificate: Buffer.from(serverCa) }),
  ...(clientCertificate === undefined || clientKey === undefined
    ? {}
    : { clientCertPair: { crt: Buffer.from(clientCertificate), key: Buffer.from(clientKey) } }),
  ...(serverName === undefined ? {} : { serverNameOverride: serverName }),
});

/** A client that connects at its first call and again after every loss, so that its owner may start before Temporal. */
export function openTemporalClient(place: TemporalPlace, keys: PayloadKey | KeyRing): Client {
  const key = place.apiKey === undefined ? {} : { apiKey: place.apiKey };
  const connection = Connection.lazy({ ...connectionOptions(place), ...key, connectTimeout: '5s' });
  return new Client({ connection, namespace: place.namespace, dataConverter: dataConverterOf(keys) });
}
