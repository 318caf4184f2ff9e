import type { Postgres } from './postgres.ts';

/** Concurrent work that changes files in every way a copy can meet: rows, new, dropped, truncated and growing relations. */
export interface Load {
  /** Stops it; rejects when a statement failed. Answers how many rounds ran. */
  stop(): Promise<number>;
}

export async function prepareLoad(postgres: Postgres): Promise<void> {
  await postgres.sql('create table account (id int primary key, balance bigint not null)');
  await postgres.sql('insert into account select g, 1000 from generate_series(1, 20000) g');
  await postgres.sql('create table growing (n bigserial, filler text)');
}

/** Transfers keep the sum of balances; the other client churns relations. */
export async function startLoad(postgres: Postgres): Promise<Load> {
  let isStopped = false;
  let rounds = 0;
  const clients = await Promise.all([postgres.connect(), postgres.connect()]);
  const transfer = async (): Promise<void> => {
    while (!isStopped) {
      const [from, to] = [1 + Math.floor(Math.random() * 20000), 1 + Math.floor(Math.random() * 20000)];
      await clients[0].query('begin');
      await clients[0].query('update account set balance = balance - 1 where id = $1', [from]);
      await clients[0].query('update account set balance = balance + 1 where id = $1', [to]);
      await clients[0].query('commit');
      rounds++;
    }
  };
  const churn = async (): Promise<void> => {
    for (let n = 0; !isStopped; n++) {
      const name = `churn_${String(n % 7)}`;
      await clients[1].query(`drop table if exists ${name}`);
      await clients[1].query(
        `create table ${name} as select g, repeat('x', 200) filler from generate_series(1, 2000) g`,
      );
      await clients[1].query(
        `insert into growing (filler) select repeat(md5(g::text), 8) from generate_series(1, 500) g`,
      );
      if (n % 5 === 0) await clients[1].query(`truncate ${name}`);
      if (n % 11 === 0) await clients[1].query('checkpoint');
    }
  };
  const work = [transfer(), churn()];
  return {
    stop: async () => {
      isStopped = true;
      await Promise.all(work);
      await Promise.all(clients.map((client) => client.end()));
      return rounds;
    },
  };
}
