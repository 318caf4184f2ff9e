import { z } from 'zod';
import type { EventSubjects } from '#core/notice/event.ts';
import type { EventType } from '#core/notice/event-type.ts';
import type { Database } from '#catalog/database.ts';
import { addEvent } from './events.ts';

/** What is known of one subject now. */
export interface Judged {
  /** What the events speak of. */
  readonly about: EventSubjects;
  /** Names the subject among all that are judged for one condition. */
  readonly subject: string;
  /** Undefined: neither way, what held before goes on. */
  readonly holds: boolean | undefined;
  readonly data: Readonly<Record<string, unknown>>;
}

/** Events of the begin and of the end of a condition; the begin names it. */
export interface Condition {
  readonly begins: EventType;
  readonly ends: EventType;
}

const subjectShape = z.object({ subject: z.string() });

/**
 * Tells once when something begins to hold and once when it ends, however often and in however many processes it is judged.
 * A subject that is judged no more is forgotten in silence. Returns how many events were told.
 */
export function settle(db: Database, { begins, ends }: Condition, judged: readonly Judged[]): Promise<number> {
  return db.transaction(async (inside) => {
    const held = await inside.rows(subjectShape, 'select subject from condition where type = $1 for update', [begins]);
    const before = new Set(held.map(({ subject }) => subject));
    const now = new Set(judged.map(({ subject }) => subject));
    const gone = [...before].filter((subject) => !now.has(subject));
    await inside.change('delete from condition where type = $1 and subject = any ($2)', [begins, gone]);
    let told = 0;
    for (const one of judged) {
      if (one.holds === undefined || one.holds === before.has(one.subject)) continue;
      if (await (one.holds ? began(inside, begins, one) : ended(inside, { begins, ends }, one))) told += 1;
    }
    return told;
  });
}

/** False when another process told it in the same moment. */
async function began(db: Database, type: EventType, { subject, data, about }: Judged): Promise<boolean> {
  const added = await db.change(
    'insert into condition (type, subject, data) values ($1, $2, $3) on conflict do nothing',
    [type, subject, JSON.stringify(data)],
  );
  return added > 0 && addEvent(db, { ...about, type, data });
}

async function ended(db: Database, { begins, ends }: Condition, { subject, data, about }: Judged): Promise<boolean> {
  const removed = await db.change('delete from condition where type = $1 and subject = $2', [begins, subject]);
  return removed > 0 && addEvent(db, { ...about, type: ends, data });
}

/** Subjects of which something holds now. */
export async function heldSubjects(db: Database, type: EventType): Promise<ReadonlySet<string>> {
  const rows = await db.rows(subjectShape, 'select subject from condition where type = $1', [type]);
  return new Set(rows.map(({ subject }) => subject));
}
