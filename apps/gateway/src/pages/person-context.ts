import type { FastifyRequest } from 'fastify';
import { type Context, defaultTenant, personAtLink } from '#contracts/envelope.js';
import { contextOf } from '../request-context.js';

/** The envelope of a request of the hosted page. Who the person is and whose the session is, the session itself knows. */
export const personContext = (request: FastifyRequest): Context =>
  contextOf(request, {
    tenant: defaultTenant,
    actor: personAtLink('link'),
    keyPrefix: null,
  });
