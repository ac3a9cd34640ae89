import type { Figures, Stretch } from './figures.js';
import type { Fixture } from './fixture.js';
import type { Worker } from './worker.js';

export interface Scenario {
  name: string;
  /** How the report names its row. */
  title: string;
  /** Writes through the system, whose views must have caught up before the next scenario begins. */
  writes?: boolean;
  run(stretch: Stretch): Promise<Figures>;
}

/** What a group of rows has to work with. */
export interface Tools {
  fixture: Fixture;
  /** Any requests to the system: the answers must have this status. */
  send: (requests: string[], status: number) => Scenario['run'];
  sendTo: (port: number, requests: string[], status: number) => Scenario['run'];
  /** Puts load on the event store and on the bus, without HTTP. */
  client: Worker;
  /** Opens credentials. */
  opener: Worker;
  rivalPort: number;
}

export type Rows = (tools: Tools) => Scenario[];
