import { randomUUID } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { type Replay, toReplays } from '#contracts/api/replays.js';
import { driftCount, type ViewReplay } from '#contracts/replay.js';
import { type ServiceName, services } from '#contracts/services.js';
import { dataOf } from '../api.js';
import type { Command, Given } from '../arguments.js';
import type { Cli } from '../cli.js';
import { CliError } from '../errors.js';
import { askLocally, operatorContext } from '../local-bus.js';
import { LOOK_EVERY_MS, patiently } from '../patiently.js';
import { inOneLine } from '../printable.js';
import type { LocalStack } from '../run-file.js';

interface Way {
  start(): Promise<Replay>;
  look(id: string): Promise<Replay>;
}

export const replayCommands: Command[] = [
  {
    words: 'replay',
    does:
      'Build the read models again from the events, beside the live ones, and put them in their place; --verify only ' +
      'compares. --view names one: api_keys, projects, users, connections, agent_sessions, link_sessions or ' +
      'audit_entries. On this machine it needs no key. Ends with 1 when it failed, or when --verify found a difference.',
    options: { view: 'NAME', verify: true },
    async run(given, cli) {
      const way = cli.key === undefined && cli.local ? local(given, cli.local) : remote(given, cli);
      const ended = await watch(await way.start(), way, cli);
      show(ended, cli);
      if (ended.state === 'failed') throw new CliError('REPLAY_FAILED', failures(ended));
      if (ended.verify && ended.drifted) throw new CliError('DRIFT', 'A read model does not say what its events say.');
    },
  },
];

const remote = ({ option: { view }, has }: Given, { api }: Cli): Way => ({
  start: () => dataOf(api.POST('/api/v1/replays', { body: { view, verify: has.has('verify') } })),
  look: (id) => dataOf(api.GET('/api/v1/replays/{id}', { params: { path: { id } } })),
});

/** Over the local bus, with the rights of whoever may read the run file. */
function local({ option: { view }, has }: Given, stack: LocalStack): Way {
  const only = (views: ViewReplay[]): Replay => {
    const [replay] = toReplays(views);
    if (!replay) throw new CliError('NOT_FOUND', `There is no view ${view}.`);
    return replay;
  };
  const wish = { id: randomUUID(), verify: has.has('verify'), ...(view !== undefined && { view }) };
  let asked: readonly ServiceName[] = services;
  const ask = async (one: (service: ServiceName) => Promise<ViewReplay[]>) => {
    const views = (await Promise.all(asked.map(one))).flat();
    asked = services.filter((service) => views.some((view) => view.service === service));
    return only(views);
  };
  return {
    // The same id again starts nothing twice.
    start: () =>
      patiently(() =>
        ask((service) => askLocally(stack, `${service}.replay.start`, { ...wish, context: operatorContext() })),
      ),
    look: (id) => ask((service) => askLocally(stack, `${service}.replay.list`, { id })),
  };
}

async function watch(started: Replay, way: Way, cli: Cli): Promise<Replay> {
  let replay = started;
  while (replay.state === 'running') {
    progress(replay, cli);
    await wait(LOOK_EVERY_MS);
    replay = await patiently(() => way.look(replay.id));
  }
  clearLine(cli);
  return replay;
}

/** One line that is written over, for people at a terminal. */
function progress({ views }: Replay, cli: Cli): void {
  const unfinished = views.filter(({ phase }) => phase !== 'over');
  const at = unfinished.find(({ phase }) => phase !== 'waiting') ?? unfinished[0];
  if (cli.json || !process.stderr.isTTY || !at) return;
  const left = at.seconds_left === null ? '' : `, about ${at.seconds_left} s left`;
  const how = `${at.phase}, ${at.events} events, ${at.events_per_second}/s${left}`;
  const line = `${views.length - unfinished.length + 1} of ${views.length}  ${at.view}: ${how}`;
  process.stderr.write(`\r\u001b[K${inOneLine(line)}`);
}

function clearLine(cli: Cli): void {
  if (!cli.json && process.stderr.isTTY) process.stderr.write('\r\u001b[K');
}

function show(replay: Replay, cli: Cli): void {
  const rows = replay.views.map(({ view, state, events, events_per_second, parked, drift }) => ({
    view,
    state,
    events,
    'events/s': events_per_second,
    parked,
    differs: drift === null ? '' : driftCount(drift),
  }));
  if (cli.json) return cli.show(replay);
  cli.showPage(replay, rows, ['view', 'state', 'events', 'events/s', 'parked', 'differs']);
  for (const { view, drift } of replay.views) {
    if (!drift || driftCount(drift) === 0) continue;
    const { missing, extra, changed } = drift;
    cli.say(`\n${view}: ${missing} missing, ${extra} extra, ${changed} changed${replay.verify ? '' : ', now mended'}`);
    const named = drift.rows.map((row) => ({ ...row, columns: row.columns.join(', ') }));
    cli.showPage({}, named, ['kind', 'key', 'columns']);
  }
}

const failures = ({ views }: Replay): string =>
  views
    .filter(({ error }) => error !== null)
    .map(({ view, error }) => `${view}: ${error}`)
    .join('; ');
