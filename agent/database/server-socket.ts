import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { join } from 'node:path';
import type { InstanceAccess } from '#core/agent/order.ts';

/**
 * The driver knows the socket name of PostgreSQL only: for another product it gets a stream that goes to the right one. Empty for a
 * host name and for PostgreSQL.
 */
export function streamTo(
  { socket: place, port }: Pick<InstanceAccess, 'socket' | 'port'>,
  socketPrefix: string,
): { readonly stream?: () => Duplex } {
  if (!place.startsWith('/') || socketPrefix === '.s.PGSQL.') return {};
  const path = join(place, `${socketPrefix}${String(port)}`);
  return {
    stream: () => {
      const socket = new Socket();
      const connect = socket.connect.bind(socket);
      return Object.assign(socket, { connect: () => connect(path) });
    },
  };
}
