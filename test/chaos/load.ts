import { setTimeout as wait } from 'node:timers/promises';
import type { Answer, Api } from '#testing/api.js';
import { allow, openLink, PageRefusal, type PageVisit, type Started } from '../page-visit.js';
import { type Random, randomFrom } from './random.js';
import { Witness } from './witness.js';

const RETRY_MS = 150;
/** As long as the page's own script keeps trying. */
const PATIENCE_MS = 90_000;

const weights = {
  mint: 30,
  mintOnce: 6,
  look: 20,
  list: 5,
  cancel: 8,
  link: 12,
  relink: 5,
  requireLogin: 4,
  disconnect: 3,
  user: 6,
};

interface Session {
  id: string;
  url: string;
}

/** Clients that use the API and the hosted page until they are told to stop, and never trust an answer they did not get. */
export class Load {
  readonly witness = new Witness();
  /** Operations that came to an end, well or not. */
  operations = 0;
  private going = true;
  private readonly running: Promise<void>[];

  constructor(target: { api: Api; bankUrl: string; seed: number; clients: number }) {
    this.running = Array.from({ length: target.clients }, (_, n) => {
      const client = new Client(`c${n}`, target, randomFrom(target.seed + n), this.witness);
      return this.run(client);
    });
  }

  async stop(): Promise<void> {
    this.going = false;
    await Promise.all(this.running);
  }

  private async run(client: Client): Promise<void> {
    while (this.going) {
      await client.act();
      this.operations++;
    }
  }
}

class Client {
  private users: string[] = [];
  private sessions: Session[] = [];
  private connections: string[] = [];
  private readonly askedToSignIn = new Set<string>();
  private count = 0;

  constructor(
    private readonly name: string,
    private readonly target: { api: Api; bankUrl: string },
    private readonly random: Random,
    private readonly witness: Witness,
  ) {}

  async act(): Promise<void> {
    const [firstUser] = this.users;
    if (firstUser === undefined) return this.user();
    await this[this.random.weighted(weights)]();
  }

  async user(): Promise<void> {
    const name = this.mark();
    const body = { name, ...(this.random.chance(0.5) && { email: `${name}@example.com` }) };
    const answer = await this.call('user', (api) => api.post('/api/v1/users', body));
    const { id } = this.witness.note('user', name, answer);
    if (id) this.users.push(id);
    else await wait(RETRY_MS);
  }

  async mint(): Promise<Session | null> {
    const label = this.mark();
    const body = { user_id: this.random.oneOf(this.users), single_use: this.random.chance(0.6), label };
    return this.minted(label, await this.call('mint', (api) => api.post('/api/v1/connections/link', body)));
  }

  /** Repeated under one Idempotency-Key until it is answered, and once more: one session, and the same bytes. */
  async mintOnce(): Promise<void> {
    const label = this.mark();
    const body = { user_id: this.random.oneOf(this.users), label };
    const headers = { 'idempotency-key': label };
    const once = () => this.persist('mint-once', (api) => api.post('/api/v1/connections/link', body, headers));
    const first = await once();
    this.minted(label, first);
    const second = await once();
    if (second?.text !== first?.text) this.witness.differing.push(`${first?.text} and then ${second?.text}`);
  }

  /** A session that was answered 201 is there for its own key at once. */
  async look(): Promise<void> {
    const session = this.sessions.at(-1);
    if (!session) return;
    const { api } = this.target;
    await this.witness.watch('look', () => api.get(`/api/v1/connections/link/${session.id}`), { never: 404 });
  }

  async list(): Promise<void> {
    await this.call('list', (api) => api.get('/api/v1/connections/link?limit=5'));
    await this.call('audit', (api) => api.get('/api/v1/audit?limit=5'));
  }

  async cancel(): Promise<void> {
    const session = this.sessions.pop();
    if (!session) return;
    const answer = await this.call('cancel', (api) => api.delete(`/api/v1/connections/link/${session.id}`));
    this.witness.note('cancel', session.id, answer);
  }

  async link(): Promise<void> {
    const session = await this.mint();
    const visit = session && (await this.open(session));
    if (!visit) return;
    const id = await this.connect(visit, this.random.oneOf(['plaid', 'teller']));
    if (id) this.connections.push(id);
  }

  async relink(): Promise<void> {
    const id = this.connections.at(-1);
    if (!id) return;
    const label = this.mark();
    const answer = await this.call('relink', (api) => api.post(`/api/v1/connections/${id}/relink`, { label }));
    const session = this.minted(label, answer);
    const visit = session && (await this.open(session));
    if (visit) await this.connect(visit, answer!.body.provider);
  }

  /** Of each connection once: what Plaid sends twice in one second about an item is one delivery. */
  async requireLogin(): Promise<void> {
    const id = this.connections.find((one) => !this.askedToSignIn.has(one));
    if (!id) return;
    this.askedToSignIn.add(id);
    const path = `/api/v1/sandbox/connections/${id}/require-login`;
    this.witness.note('require-login', id, await this.call('require-login', (api) => api.post(path)));
  }

  /** Asked until it is answered: died in between, the bank may know already what the connection does not. */
  async disconnect(): Promise<void> {
    const id = this.connections.shift();
    if (!id) return;
    const answer = await this.persist('disconnect', (api) => api.delete(`/api/v1/connections/${id}`));
    this.witness.note('disconnect', id, answer);
  }

  private async open({ url }: Session): Promise<PageVisit | null> {
    let visit: PageVisit | null = null;
    const open = async () => {
      visit = await openLink(url);
      return visit.opened;
    };
    const refused = (error: unknown) => {
      if (error instanceof PageRefusal) return error.answer;
      throw error;
    };
    await this.witness.watch('open', () => open().catch(refused), { html: true });
    return visit;
  }

  /** The whole way of a person; answers the id of the connection when the page says that it is there. */
  private async connect(visit: PageVisit, provider: 'plaid' | 'teller'): Promise<string | null> {
    const activated = await this.call('activate', () => visit.post('activate'));
    if (activated?.status !== 200) return null;
    const started = await this.call('start', () => visit.post('start', { provider }));
    if (started?.status !== 200) return null;
    const { attempt_id } = started.body as Started;
    const { token } = await allow(this.target.bankUrl, started.body as Started);
    const finished = await this.persist('finish', () => visit.post('finish', { attempt_id, token }));
    const inFlight = (finished?.body?.in_flight ?? []) as string[];
    if (finished?.status === 200 && !inFlight.includes(attempt_id)) this.witness.note('finish', attempt_id, finished);
    return this.connectionOf(attempt_id);
  }

  /** The attempt's id is the short_id of the connection it leads to. */
  private async connectionOf(attemptId: string): Promise<string | null> {
    const answer = await this.call('connection', (api) => api.get(`/api/v1/connections/${attemptId}`));
    return answer?.status === 200 ? (answer.body.id as string) : null;
  }

  private minted(label: string, answer: Answer | null): Session | null {
    const { id } = this.witness.note('mint', label, answer);
    if (!id) return null;
    const session = { id, url: answer!.body.url as string };
    this.sessions.push(session);
    return session;
  }

  /** Tries again while the answer is none, 503, or that the try before it may still be under way. */
  private async persist(name: string, request: (api: Api) => Promise<Answer>): Promise<Answer | null> {
    for (const until = Date.now() + PATIENCE_MS; Date.now() < until; await wait(RETRY_MS)) {
      const answer = await this.call(name, request);
      const { code } = (answer?.body?.error ?? {}) as { code?: string };
      if (answer && answer.status !== 503 && code !== 'IDEMPOTENCY_IN_FLIGHT') return answer;
    }
    throw new Error(`${name} was not answered within ${PATIENCE_MS} ms`);
  }

  private async call(name: string, request: (api: Api) => Promise<Answer>): Promise<Answer | null> {
    const answer = await this.witness.watch(name, () => request(this.target.api));
    if (!answer || answer.status === 503) await wait(RETRY_MS);
    return answer;
  }

  /** Unique in the whole run. */
  private mark(): string {
    return `${this.name}-${this.count++}`;
  }
}
