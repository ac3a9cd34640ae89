import { describe, it } from '@jest/globals';
import { specification } from '#testing/given.js';
import { agentSession } from './agent-session.decider.js';
import { connectionSlot } from './connection-slot.decider.js';

const claim = (short_id: string, evict?: string) => ({ type: 'ClaimSlot' as const, short_id, ...(evict && { evict }) });
const claimed = (short_id: string) => ({ type: 'SlotClaimed' as const, short_id });

describe('a place for one connection', () => {
  const given = specification(connectionSlot);
  it('goes to who comes first', () => given().when(claim('one')).then(claimed('one')));
  it('is kept by its holder', () => given(claimed('one')).when(claim('one')).thenNothing());
  it('is not taken from its holder', () => given(claimed('one')).when(claim('two')).thenRefused('CONFLICT'));
  it('goes on to the next when the holder is known to be over', () =>
    given(claimed('one')).when(claim('two', 'one')).then(claimed('two')));
  it('is not taken from who came in between', () =>
    given(claimed('one'), claimed('two')).when(claim('three', 'one')).thenRefused('CONFLICT'));
});

describe("an agent's session", () => {
  const given = specification(agentSession);
  const now = '2026-01-01T12:00:00.000Z';
  const tenant = { project_id: 'prj_1', environment: 'live' as const };
  const facts = { ...tenant, id: 's-1', servers: ['stripe'], user_id: null };
  const opened = { type: 'AgentSessionOpened' as const, ...facts, at: now };
  const closed = { type: 'AgentSessionClosed' as const, at: now };

  it('is opened once', () => {
    given()
      .when({ type: 'OpenSession', ...facts, now })
      .then(opened);
    given(opened)
      .when({ type: 'OpenSession', ...facts, now })
      .thenRefused('ID_TAKEN');
  });
  it('is closed once', () => {
    given(opened).when({ type: 'CloseSession', now }).then(closed);
    given(opened, closed).when({ type: 'CloseSession', now }).thenNothing();
  });
  it('cannot be closed before', () => given().when({ type: 'CloseSession', now }).thenRefused('NOT_FOUND'));
});
