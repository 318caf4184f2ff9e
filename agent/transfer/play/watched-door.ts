import { once } from 'node:events';
import { rmSync } from 'node:fs';
import type { Socket } from 'node:net';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import type { InstanceAccess } from '#core/agent/order.ts';
import { engineProfile } from '#core/engine/profiles.ts';
import { unwritable } from '#agent/datadir/writer-errors.ts';
import { makeDoorFolder } from './door-folder.ts';
import { MessageReader, errorFields, textOfMessage } from './message-reader.ts';

/** A statement that the server refused, in its own words. */
interface Refusal {
  readonly sqlState: string;
  readonly message: string;
  readonly detail?: string;
  /** Empty when the server spoke by itself. */
  readonly statement: string;
}

/** A way into an instance for one client program. */
interface Door {
  /** How the program comes in: the instance by another socket. */
  readonly access: InstanceAccess;
  close(): Promise<void>;
}

/**
 * Opens a socket that leads to an instance and hears what is refused there. Programs that play archives say it in sentences, without
 * SQLSTATE, with the names of a stranger in between; the server says it in fields. Everything goes through as it is. The socket lies in
 * a directory that only this account may enter, and both are gone once the one program is in; what a killed agent leaves of them, the next
 * one of its `home` sweeps.
 */
export async function openDoor(
  home: string,
  access: InstanceAccess,
  onRefusal: (refusal: Refusal) => void,
): Promise<Door> {
  const { socketPrefix } = engineProfile(access.engine).files;
  const folder = makeDoorFolder(home);
  const removeFolder = (): void => {
    rmSync(folder, { recursive: true, force: true });
  };
  const sockets: Socket[] = [];
  const server = createServer((client) => {
    removeFolder();
    const inside = connect(addressOf(access, socketPrefix));
    sockets.push(client, inside);
    carry(client, inside);
    hear(client, inside, onRefusal);
  });
  try {
    server.listen(join(folder, `${socketPrefix}${String(access.port)}`));
    await once(server, 'listening');
  } catch (error) {
    removeFolder();
    throw unwritable(folder, error);
  }
  return {
    access: { ...access, socket: folder },
    close: async () => {
      for (const socket of sockets) socket.destroy();
      const closed = once(server, 'close');
      server.close();
      await closed;
      removeFolder();
    },
  };
}

const addressOf = ({ socket, port }: InstanceAccess, prefix: string) =>
  socket.startsWith('/') ? { path: join(socket, `${prefix}${String(port)}`) } : { host: socket, port };

/** Each side hears from the other and ends with it. */
function carry(client: Socket, inside: Socket): void {
  for (const [from, to] of [
    [client, inside],
    [inside, client],
  ] as const) {
    from.on('error', () => to.destroy());
    from.pipe(to);
  }
}

/** What was refused before the login is told by the program. */
function hear(client: Socket, inside: Socket, onRefusal: (refusal: Refusal) => void): void {
  let statement = '';
  let isIn = false;
  const asked = new MessageReader('client', 'QF', (letter, body) => {
    statement = letter === 'Q' ? textOfMessage(body).trim() : '';
  });
  const answered = new MessageReader('server', 'EZ', (letter, body) => {
    if (letter === 'Z') isIn = true;
    if (letter !== 'E' || !isIn) return;
    const fields = errorFields(body);
    const detail = fields.get('D');
    onRefusal({
      ...{ sqlState: fields.get('C') ?? '', message: fields.get('M') ?? '', statement },
      ...(detail === undefined ? {} : { detail }),
    });
  });
  client.on('data', (chunk: Buffer) => {
    asked.push(chunk);
  });
  inside.on('data', (chunk: Buffer) => {
    answered.push(chunk);
  });
}
