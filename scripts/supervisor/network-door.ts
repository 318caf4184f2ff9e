/**
 * Runs a program in the network namespace that this process was started in, which has nothing but its own loopback: each port that is
 * named leads through a Unix socket to the world outside. `network-door.ts <uid>:<gid> <port>=<socket>… -- <program> <argument>…`
 */
import { spawn, spawnSync } from 'node:child_process';
import { connect, createServer } from 'node:net';

const [account = '', ...words] = process.argv.slice(2);
const doors = words.slice(0, words.indexOf('--'));
const [program = '', ...args] = words.slice(words.indexOf('--') + 1);
const [uid = 0, gid = 0] = account.split(':').map(Number);
spawnSync('ip', ['link', 'set', 'lo', 'up']);

async function open(door: string): Promise<void> {
  const [port = '', socket = ''] = door.split('=');
  const server = createServer((inside) => {
    const outside = connect(socket);
    for (const one of [inside, outside]) one.on('error', () => one.destroy());
    inside.once('close', () => outside.destroy());
    outside.once('close', () => inside.destroy());
    inside.pipe(outside).pipe(inside);
  });
  await new Promise<void>((resolve) => server.listen(Number(port), '127.0.0.1', resolve));
}

await Promise.all(doors.map(open));
const child = spawn(program, args, { stdio: 'inherit', uid, gid });
process.on('SIGTERM', () => child.kill('SIGTERM'));
child.once('exit', (code) => process.exit(code ?? 1));
