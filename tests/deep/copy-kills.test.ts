import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { OrderOf } from '#core/agent/order.ts';
import { openSet } from '#agent/sets/open-set.ts';
import { commitBackupSet } from '#agent/sets/commit-backup-set.ts';
import { verifySet } from '#agent/sets/verify-set.ts';
import { readBatches } from '#agent/wal/committed-log.ts';
import { commitLog } from '#tests/support/care-stage.ts';
import { testIds } from '#tests/support/catalog.ts';
import type { CopyStage } from '#tests/support/copy-stage.ts';
import { openCopyStage } from '#tests/support/copy-stage.ts';
import { sampleSystemId } from '#tests/support/samples.ts';
import { quietStep } from '#tests/repositories/pools.ts';
import { putPieces, tinyIds, tinySummary } from '#tests/repositories/tiny-set.ts';

const child = join(import.meta.dirname, '..', 'support', 'copy-child.ts');
const files = Object.fromEntries(
  Array.from({ length: 30 }, (_, i) => [`base/5/${String(20_000 + i)}`, [randomBytes(200_000)]]),
);
const wal = { 'pg_wal/000000010000000000000002': [Buffer.alloc(tinySummary.segmentBytes)] };

interface Attempt {
  readonly wasKilled: boolean;
  /** Objects that it put, as far as it came to say so. */
  readonly objects: number;
}

describe.each([
  { name: 'plain to plain', isFromEncrypted: false, isToEncrypted: false },
  { name: 'plain to encrypted', isFromEncrypted: false, isToEncrypted: true },
])('K-005 a copy that is killed again and again, $name', (which) => {
  let stage: CopyStage;
  beforeAll(async () => {
    stage = await openCopyStage(which);
    const { keys, meta } = await putPieces(stage.from, tinySummary, { ...files, ...wal });
    await commitBackupSet(stage.from, keys, meta);
    let last = '';
    for (let first = 3; first < 9; first += 2)
      last = (await commitLog(stage.from, { first, count: 2, previousSha256: last })).sha256;
  });
  afterAll(() => stage.close());

  const attempt = (killAt: number): Promise<Attempt> => {
    const task = {
      sets: [tinyIds.setId],
      bases: [],
      systems: [sampleSystemId],
      bytesTotal: 0,
      leftOut: [],
      warnings: [],
    };
    const head = { kind: 'pool-copy' as const, runId: testIds('run'), hostId: testIds('host') };
    const order: OrderOf<'pool-copy'> = { ...head, ...stage.access, task, limits: {} };
    const file = join(stage.folder, 'order.json');
    writeFileSync(file, JSON.stringify({ order, killAt }));
    return new Promise((resolve, reject) => {
      const running = spawn(process.execPath, ['--import', 'tsx', child, file], { stdio: ['ignore', 'pipe', 'pipe'] });
      let out = '';
      let err = '';
      running.stdout.on('data', (part: Buffer) => (out += part.toString()));
      running.stderr.on('data', (part: Buffer) => (err += part.toString()));
      running.on('close', (code, signal) => {
        const [objects = '0'] = out.trim().split('\n').slice(-1);
        if (signal !== null || code === 0) resolve({ wasKilled: signal === 'SIGKILL', objects: Number(objects) });
        else reject(new TypeError(err));
      });
    });
  };

  test('ends with everything, and no object was sent twice', async () => {
    let sent = 0;
    let kills = 0;
    for (let killAt = 1; ; killAt += 3) {
      const { wasKilled, objects } = await attempt(killAt);
      sent += objects;
      if (!wasKilled) break;
      kills += 1;
    }
    expect(kills).toBeGreaterThan(5);
    const keys: string[] = [];
    for await (const { key } of stage.to.store.list('')) keys.push(key);
    const own = keys.filter((key) => key.endsWith('.bak') || key.startsWith('logs/'));
    expect(sent).toBeLessThanOrEqual(own.length);
    expect((await verifySet(stage.to, tinyIds.setId, 'full', quietStep)).damage).toEqual([]);
    const copy = await openSet(stage.to, tinyIds.setId);
    for (const [path, [content]] of Object.entries(files))
      expect(Buffer.compare(await copy.readMember(path), content ?? Buffer.alloc(0)), path).toBe(0);
    const problems: string[] = [];
    let batches = 0;
    for await (const { segments } of readBatches(stage.to, (problem) => problems.push(problem.message)))
      batches += segments.length > 0 ? 1 : 0;
    expect({ batches, problems }).toEqual({ batches: 3, problems: [] });
  }, 600_000);
});
