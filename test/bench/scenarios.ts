import { connectionRows } from './connection-rows.js';
import type { Figures } from './figures.js';
import { type Fixture, loginOf } from './fixture.js';
import { householdRows } from './household-rows.js';
import { limitRows } from './limit-rows.js';
import type { Rows, Scenario, Tools } from './rows.js';
import { startWorker, type Worker } from './worker.js';

/** A row more is a scenario more in one of these, or a file more here. */
const groups: Rows[] = [householdRows, connectionRows, limitRows];

export interface Rivals {
  scenarios: Scenario[];
  load: Tools['send'];
  loadOn: Tools['sendTo'];
  http: Worker;
  client: Worker;
  stop(): void;
}

/** What is measured, and beside each path of ours the limit it stands on. */
export async function openScenarios(fixture: Fixture): Promise<Rivals> {
  const { run, port } = fixture;
  const [http, client, opener, rivalHttp, rivalService] = [
    startWorker('http-load.js'),
    startWorker('client-load.js'),
    startWorker('open-load.js'),
    startWorker('rival-http.js'),
    startWorker('rival-service.js'),
  ];
  const database = run.databases['link_session']!;
  await client.ask('open', { eventstoreUrl: run.eventstore.url, bus: loginOf(run, 'gateway') });
  await rivalService.ask('open', { bus: loginOf(run, 'link-session'), database });
  const rivalPort = await rivalHttp.ask<number>('open', { bus: loginOf(run, 'gateway'), database });

  const sendTo: Tools['sendTo'] = (at, requests, status) => (stretch) =>
    http.ask<Figures>('closed', { ...stretch, port: at, requests, status });
  const send: Tools['send'] = (requests, status) => sendTo(port, requests, status);
  return {
    scenarios: groups.flatMap((rows) => rows({ fixture, send, sendTo, client, opener, rivalPort })),
    http,
    client,
    load: send,
    loadOn: sendTo,
    stop: () => [http, client, opener, rivalHttp, rivalService].forEach((worker) => worker.stop()),
  };
}
