import { describe } from 'vitest';
import type { Ground } from './cell.ts';
import type { KingbaseStageOptions } from '#tests/support/kingbase-stage.ts';
import { change, openKingbaseStage } from '#tests/support/kingbase-stage.ts';
import { canShimKingbase } from '#tests/support/kingbase.ts';
import { connectKingbase } from '#tests/support/kingbase-template.ts';
import { secretsOf, tellCells } from './postgresql.ts';

async function openGround(options: KingbaseStageOptions): Promise<Ground> {
  const stage = await openKingbaseStage(options);
  const { kingbase, bench, restores, instance } = stage;
  return {
    ...{ postgres: kingbase, bench, restores, instance },
    change: (round) => change(stage, round + 1),
    connectTo: ({ socket, port }, database = 'test') =>
      connectKingbase({ socket: socket ?? '', port: port ?? 0, user: kingbase.user, database }),
    close: () => stage.close(),
  };
}

describe.skipIf(!canShimKingbase)('shimmed: PostgreSQL 12 laid out as KingbaseES', () => {
  for (const engine of ['kingbase-v8r6', 'kingbase-v9'] as const)
    tellCells(engine, (cell, minio) =>
      openGround({
        ...{ engine, mode: 'oracle', hasChecksums: cell.hasChecksums, ...secretsOf(cell) },
        // Why: what changes between an incremental and the full that it is compared with would look like a fault.
        config: ['autovacuum = off'],
        ...(minio === undefined ? {} : { pool: 's3', minio }),
      }),
    );
});
