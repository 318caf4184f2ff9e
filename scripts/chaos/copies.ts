import { existsSync, readdirSync, rmSync } from 'node:fs';
import { basename } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import pg from 'pg';
import { stopCopy } from '../demo/stop-copy.ts';
import { proveFrozen, proveShop } from './frozen.ts';
import type { Address } from './session.ts';
import { addressOf, connect } from './session.ts';
import type { Moment } from './traffic.ts';
import { ledgerText } from './traffic.ts';
import type { World } from './world.ts';

interface CopyToProve {
  readonly directory: string;
  readonly result: Readonly<Record<string, unknown>>;
  /** Where it was to stop; absent: the backup state of a set. */
  readonly moment: Moment | undefined;
}

/** Compares a copy with the source over its own SQL, then stops and removes it. */
export async function proveCopyOf(
  world: World,
  { directory, result, moment }: CopyToProve,
): Promise<readonly string[]> {
  const { socket, port } = result;
  if (typeof socket !== 'string' || typeof port !== 'number')
    return [`the copy was not opened: ${JSON.stringify(result)}`];
  const address = { ...addressOf(world.source), host: socket, port };
  try {
    return await compareWithSource(world, address, moment);
  } finally {
    await stopCopy(directory);
    rmSync(directory, { recursive: true, force: true });
  }
}

/** Compares what was restored, by its own SQL, with what the source holds of what nobody changes, and the ledger with a moment. */
export async function compareWithSource(
  world: World,
  address: Address,
  moment: Moment | undefined,
): Promise<readonly string[]> {
  const wrongs: string[] = [];
  const sql = await connect(address);
  try {
    if (!isDeepStrictEqual(await proveFrozen(sql), world.frozen))
      wrongs.push('the copy is not equal to the source by hash');
    const { rows } = await sql.query<{ rows: number; highest: number }>(ledgerText);
    const [ledger] = rows;
    const isWhole = ledger !== undefined && ledger.rows === ledger.highest;
    if (!isWhole || (moment !== undefined && ledger.rows !== moment.rows))
      wrongs.push(
        `the ledger of the copy ends at ${JSON.stringify(ledger)}, wanted ${JSON.stringify(moment ?? 'no gap')}`,
      );
  } finally {
    await sql.end();
  }
  if (!isDeepStrictEqual(await proveShop(address), world.shop)) wrongs.push('the database shop of the copy differs');
  return wrongs;
}

/** Compares what a run brought back under another name with the database that it came from. */
export async function proveShopAs({ source, shop }: World, name: string): Promise<readonly string[]> {
  const found = await proveShop(addressOf(source), name);
  return isDeepStrictEqual(found, shop) ? [] : [`database ${name} differs from the one it was made of`];
}

export async function dropDatabase({ sql }: World, name: string): Promise<void> {
  await sql.query(`drop database ${pg.escapeIdentifier(name)} with (force)`);
}

const segmentName = /^[0-9A-F]{24}$/;

/** A directory of restored log holds segments; it is removed. */
export function proveLogDirectory(directory: string): Promise<readonly string[]> {
  const names = existsSync(directory) ? readdirSync(directory, { recursive: true, encoding: 'utf8' }) : [];
  rmSync(directory, { recursive: true, force: true });
  const hasLog = names.some((name) => segmentName.test(basename(name)));
  return Promise.resolve(hasLog ? [] : [`no segment of log in ${directory}: ${names.join(', ')}`]);
}
