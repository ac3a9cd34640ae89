import { Controller, Param } from '@nestjs/common';
import {
  connection,
  connectionsPage,
  type ConnectionsQuery,
  connectionsQuery,
  connectionStatus,
  toConnection,
  toConnectionStatus,
} from '#contracts/api/connections.js';
import { type AsOfQuery, asOfQuery } from '#contracts/api/fields.js';
import type { Context } from '#contracts/envelope.js';
import { Endpoint } from './endpoint.js';
import { householdPage } from './household-page.js';
import { idInField, idInPath } from './ids.js';
import { Services } from './services.js';
import { Caller, RequestQuery } from './params.js';
import { untilBankAnswers } from './request-context.js';

/** Bank connections, in the household's words. */
@Controller()
export class ConnectionController {
  constructor(private readonly services: Services) {}

  @Endpoint({
    method: 'GET',
    path: '/api/v1/connections',
    access: 'any',
    summary: 'List bank connections, newest first',
    query: connectionsQuery,
    reply: { 200: connectionsPage },
    errors: ['INVALID_PARAMETER', 'INVALID_CURSOR'],
  })
  async list(@Caller() context: Context, @RequestQuery() query: ConnectionsQuery) {
    const user_id = idInField('user', 'user_id', query.user_id);
    const found = await this.services.read('connection.list', { context, ...query, user_id });
    return householdPage('connections', found, toConnection);
  }

  @Endpoint({
    method: 'GET',
    path: '/api/v1/connections/:id',
    access: 'any',
    summary: 'Look at a bank connection',
    query: asOfQuery,
    reply: { 200: connection },
    errors: ['NOT_FOUND'],
  })
  async get(@Caller() context: Context, @Param('id') id: string, @RequestQuery() query: AsOfQuery) {
    return toConnection(await this.read(context, id, query));
  }

  @Endpoint({
    method: 'GET',
    path: '/api/v1/connections/:id/status',
    access: 'any',
    summary: 'Look at the status of a bank connection',
    query: asOfQuery,
    reply: { 200: connectionStatus },
    errors: ['NOT_FOUND'],
  })
  async status(@Caller() context: Context, @Param('id') id: string, @RequestQuery() query: AsOfQuery) {
    return toConnectionStatus(await this.read(context, id, query));
  }

  @Endpoint({
    method: 'DELETE',
    path: '/api/v1/connections/:id',
    access: 'full_access',
    summary: 'Disconnect a bank',
    description: 'The credential is destroyed here and removed at the provider. A disconnected connection stays so.',
    reply: { 204: null },
    errors: ['NOT_FOUND', 'PROVIDER_ERROR', 'VAULT_UNAVAILABLE', 'REVOKE_FAILED'],
  })
  async disconnect(@Caller() context: Context, @Param('id') id: string): Promise<void> {
    const ask = { context: untilBankAnswers(context), id: idInPath('connection', id) };
    await this.services.write('connection.disconnect', ask);
  }

  private read(context: Context, id: string, query: AsOfQuery) {
    return this.services.read('connection.get', { context, id: idInPath('connection', id), ...query });
  }
}
