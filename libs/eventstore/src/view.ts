import { type DataSource, type EntityTarget } from 'typeorm';
import { project, type Projection } from './projection.js';
import { type Recorded, streamIdOf } from './recorded.js';

/** A read model: a table, and how a batch of events changes it. */
export interface View {
  name: string;
  prefixes: string[];
  entity: EntityTarget<object>;
  changes(batch: Recorded[], dataSource: DataSource): Promise<Changes>;
}

export interface Changes {
  /** Whole rows, written over what is there. */
  rows: object[];
  /** Ids of rows that go. */
  removed: string[];
  parked: { event: Recorded; error: unknown }[];
}

/** One row per stream: `kind-<id>` becomes the row with that id. */
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
    async changes(batch, dataSource) {
      const byId = new Map<string, Recorded[]>();
      for (const event of batch) push(byId, streamIdOf(event.stream), event);
      const before = await existingRows(dataSource, view.entity, byId);
      const changes: Changes = { rows: [], removed: [], parked: [] };
      for (const [id, events] of byId) applyAll(view.projection, id, events, before.get(id) ?? null, changes);
      return changes;
    },
  };
}

function applyAll<Row extends { id: string }, E extends { type: string }>(
  projection: Projection<Row, E>,
  id: string,
  events: Recorded[],
  before: Row | null,
  changes: Changes,
): void {
  let row = before;
  for (const recorded of events) {
    try {
      row = project(projection, [recorded.event as E], row);
    } catch (error) {
      changes.parked.push({ event: recorded, error });
    }
  }
  if (row) changes.rows.push({ ...row, id });
  else if (before) changes.removed.push(id);
}

/** Streams whose first event is in the batch have no row yet, so most batches read nothing. */
async function existingRows<Row extends { id: string }>(
  dataSource: DataSource,
  entity: EntityTarget<Row>,
  byId: Map<string, Recorded[]>,
): Promise<Map<string, Row>> {
  const ids = [...byId].filter(([, events]) => events[0]!.revision > 0n).map(([id]) => id);
  if (ids.length === 0) return new Map();
  const { tableName } = dataSource.getMetadata(entity);
  const rows = await dataSource.query<Row[]>(`select * from "${tableName}" where id = any($1)`, [ids]);
  return new Map(rows.map((row) => [row.id, row]));
}

function push<K, V>(map: Map<K, V[]>, key: K, value: V): void {
  const list = map.get(key);
  if (list) list.push(value);
  else map.set(key, [value]);
}
