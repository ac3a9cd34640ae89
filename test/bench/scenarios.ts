import { newHouseholdKey } from '#contracts/secrets.js';
import { requestText } from './connection.js';
import type { Figures, Stretch } from './figures.js';
import { type Fixture, loginOf } from './fixture.js';
import { ECHO } from './rival-service.js';
import { startWorker, type Worker } from './worker.js';

export interface Scenario {
  name: string;
  /** Writes through the system, whose views must have caught up before the next scenario begins. */
  writes?: boolean;
  run(stretch: Stretch): Promise<Figures>;
}

export interface Rivals {
  scenarios: Scenario[];
  /** Any requests to the system: the answers must have this status. */
  load: (requests: string[], status: number) => Scenario['run'];
  http: Worker;
  stop(): void;
}

/** What is measured, and beside each path of ours the limit it stands on. */
export async function openScenarios(fixture: Fixture): Promise<Rivals> {
  const { run, port, key, mintText, sessionIds, sample } = fixture;
  const [http, client, rivalHttp, rivalService] = [
    startWorker('http-load.js'),
    startWorker('client-load.js'),
    startWorker('rival-http.js'),
    startWorker('rival-service.js'),
  ];
  const database = run.databases['link_session']!;
  await client.ask('open', { eventstoreUrl: run.eventstore.url, bus: loginOf(run, 'gateway') });
  await rivalService.ask('open', { bus: loginOf(run, 'link-session'), database });
  const rivalPort = await rivalHttp.ask<number>('open', { bus: loginOf(run, 'gateway'), database });

  const send = (at: number, requests: string[], status: number) => (stretch: Stretch) =>
    http.ask<Figures>('closed', { ...stretch, port: at, requests, status });
  const gets = (path: string) => sessionIds.map((id) => requestText('GET', `${path}/${id}`, { 'x-api-key': key }));
  const get = (path: string, as = key) => [requestText('GET', path, { 'x-api-key': as })];
  const { type: _type, ...data } = sample.event;
  const payload = JSON.stringify({ data, padding: 'x'.repeat(200) });

  const scenarios: Scenario[] = [
    { name: 'mint', writes: true, run: send(port, [mintText], 201) },
    { name: 'append', run: (stretch) => client.ask('append', { ...stretch, data, metadata: sample.metadata }) },
    { name: 'get', run: send(port, gets('/api/v1/connections/link'), 200) },
    { name: 'hop', run: send(rivalPort, gets('/hop'), 200) },
    { name: 'select', run: send(rivalPort, gets('/select'), 200) },
    { name: 'request', run: (stretch) => client.ask('request', { ...stretch, subject: ECHO, payload }) },
    { name: 'me', run: send(port, get('/api/v1/keys/me'), 200) },
    { name: 'check', run: send(port, get('/api/v1/connections/link/no-id'), 404) },
    { name: 'badKey', run: send(port, get('/api/v1/keys/me', newHouseholdKey()), 401) },
  ];
  return {
    scenarios,
    http,
    load: (requests, status) => send(port, requests, status),
    stop: () => [http, client, rivalHttp, rivalService].forEach((worker) => worker.stop()),
  };
}
