import { type EntityTarget } from 'typeorm';
import { isChange, isKnown, project, type Projection } from './projection.js';
import { type Recorded, streamIdOf } from './recorded.js';

/** A read model: a table, and how a batch of events changes it. */
export interface View {
  name: string;
  prefixes: string[];
  entity: EntityTarget<object>;
  /**
   * Names of the indexes by which `changes` finds rows. While a replay builds the table it has no others, but for those
   * that keep something unique.
   */
  readsBy?: string[];
  changes(batch: Recorded[], rows: Rows): Promise<Changes>;
}

/** The view's rows as they are before the batch. A replay builds them in another table than the live one. */
export interface Rows {
  /** Quoted, to be put into the text of a query. */
  table: string;
  query: <T>(text: string, values: unknown[]) => Promise<T[]>;
}

export interface Changes {
  /** Whole rows under keys that the view had not before. */
  added: object[];
  /** Whole rows, written over what is there. */
  changed: object[];
  /** Ids of rows that go. */
  removed: string[];
  parked: { event: Recorded; error: unknown }[];
}

const UNKNOWN_TYPE = 'this version of the service knows no such type; a replay by one that does takes it up';

/**
 * One row per stream: `kind-<id>` becomes the row with that id. Types that this version does not know are parked: a newer
 * one that is at work on the same view finds the checkpoint beyond them.
 */
export function rowPerStream<Row extends { id: string }, E extends { type: string }>(view: {
  name: string;
  kind: string;
  entity: EntityTarget<Row>;
  projection: Projection<Row, E>;
}): View {
  return {
    name: view.name,
    prefixes: [`${view.kind}-`],
    entity: view.entity,
    async changes(batch, rows) {
      const byId = new Map<string, Recorded[]>();
      const changes: Changes = { added: [], changed: [], removed: [], parked: [] };
      for (const event of batch) {
        const { stream } = event;
        const { type } = event.event;
        if (!stream.startsWith(`${view.kind}-`)) continue;
        if (isChange(view.projection, type)) push(byId, streamIdOf(stream), event);
        else if (!isKnown(view.projection, type)) changes.parked.push({ event, error: new Error(UNKNOWN_TYPE) });
      }
      const before = await existingRows<Row>(rows, byId);
      for (const [id, events] of byId) {
        const from = before.get(id) ?? null;
        const row = applyAll(view.projection, events, from, changes.parked);
        if (row === from) continue;
        if (row) (from ? changes.changed : changes.added).push({ ...row, id });
        else if (from) changes.removed.push(id);
      }
      return changes;
    },
  };
}

/** The row after the events; one that cannot be applied is put aside and the others go on. */
function applyAll<Row extends object, E extends { type: string }>(
  projection: Projection<Row, E>,
  events: Recorded[],
  from: Row | null,
  parked: Changes['parked'],
): Row | null {
  let row = from;
  for (const event of events) {
    try {
      row = project(projection, [event.event as E], row);
    } catch (error) {
      parked.push({ event, error });
    }
  }
  return row;
}

/** Streams whose first event is in the batch have no row yet, so most batches read nothing. */
async function existingRows<Row extends { id: string }>(
  { table, query }: Rows,
  byId: Map<string, Recorded[]>,
): Promise<Map<string, Row>> {
  const ids = [...byId].filter(([, events]) => events[0]!.revision > 0n).map(([id]) => id);
  if (ids.length === 0) return new Map();
  const rows = await query<Row>(`select * from ${table} where id = any($1)`, [ids]);
  return new Map(rows.map((row) => [row.id, row]));
}

function push<K, V>(map: Map<K, V[]>, key: K, value: V): void {
  const list = map.get(key);
  if (list) list.push(value);
  else map.set(key, [value]);
}
