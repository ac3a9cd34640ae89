import type { Actor, Context } from '#contracts/envelope.js';
import type { KeyView, RefusedUses } from '#contracts/key.js';

const DEADLINE_MS = 4_000;

/** Whoever has the whole key acts as its holder; who only comes near it is somebody. */
const actorOf = ({ id, name, actor_name }: KeyView, { reason }: RefusedUses): Actor =>
  reason === 'mistyped'
    ? { type: 'person', id: 'unknown', name: 'somebody unknown' }
    : { type: 'api_key', id, name: actor_name ?? name };

export const refusalContext = (key: KeyView, uses: RefusedUses): Context => ({
  tenant: { project_id: key.project_id, environment: key.environment },
  actor: actorOf(key, uses),
  request_id: uses.request_id,
  command_id: uses.command_id,
  address: uses.address,
  key_prefix: key.key_prefix,
  deadline: Date.now() + DEADLINE_MS,
});
