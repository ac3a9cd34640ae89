import type { FastifyRequest } from 'fastify';
import { type Actor, type Context, defaultTenant } from '#contracts/envelope.js';
import { contextOf } from '../request-context.js';

const somebody: Actor = { type: 'person', id: 'sign-in', name: 'somebody at the sign-in' };

/** The envelope of somebody who has not signed in. Operators are the installation's own: its first project tells of them. */
export const entryContext = (request: FastifyRequest, actor: Actor = somebody): Context =>
  contextOf(request, { actor, tenant: defaultTenant, keyPrefix: null });
