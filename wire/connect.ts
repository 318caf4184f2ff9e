import type { ConnectionOptions } from '@temporalio/client';
import { Client, Connection } from '@temporalio/client';
import { dataConverterOf } from './data-converter.ts';
import type { KeyRing } from './key-ring.ts';
import type { PayloadKey } from './payload-key.ts';

/** Where Temporal is. TLS parts are PEM texts; absent = plain (a server on the same machine). */
export interface TemporalPlace {
  readonly address: string;
  readonly namespace: string;
  readonly tls?: { readonly serverCa?: string; readonly clientCertificate?: string; readonly clientKey?: string };
}

/** Options for `Connection.connect` and, as they are the same words, `NativeConnection.connect`. */
export function connectionOptions(place: TemporalPlace): Pick<ConnectionOptions, 'address' | 'tls'> {
  const { serverCa, clientCertificate, clientKey } = place.tls ?? {};
  if (place.tls === undefined) return { address: place.address };
  const pair =
    clientCertificate !== undefined && clientKey !== undefined
      ? { crt: Buffer.from(clientCertificate), key: Buffer.from(clientKey) }
      : undefined;
  return {
    address: place.address,
    tls: {
      ...(serverCa === undefined ? {} : { serverRootCACertificate: Buffer.from(serverCa) }),
      ...(pair === undefined ? {} : { clientCertPair: pair }),
    },
  };
}

/** A client that connects at its first call and again after every loss, so that its owner may start before Temporal. */
export function openTemporalClient(place: TemporalPlace, keys: PayloadKey | KeyRing): Client {
  const connection = Connection.lazy({ ...connectionOptions(place), connectTimeout: '5s' });
  return new Client({ connection, namespace: place.namespace, dataConverter: dataConverterOf(keys) });
}
