import { EventStoreDBClient } from '@eventstore/db-client';

/**
 * The process's one client. A second one would be a trap: a broken batch call rejects every pending append of
 * the process, and a late answer to another client crashes it.
 */
export const connectEventStore = (url: string): EventStoreDBClient => EventStoreDBClient.connectionString(url);

export { BACKWARDS, END, EventStoreDBClient } from '@eventstore/db-client';
