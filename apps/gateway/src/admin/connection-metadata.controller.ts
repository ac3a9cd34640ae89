import { Get, Param, Post, Req, Res } from '@nestjs/common';
import { RouteConfig } from '@nestjs/platform-fastify';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { ConnectionView } from '#contracts/connection.js';
import type { Context } from '#contracts/envelope.js';
import { idInPath } from '../ids.js';
import { Services } from '../services.js';
import { callerOf } from '../request-context.js';
import { AdminPage } from './admin-page.js';
import { AdminViews } from './admin-views.js';
import { attempted } from './attempt.js';
import { fieldsOf } from './forms.js';
import { changesOf, judged, type MetadataRow, newRow, othersOf, rowsOf, rowsSent } from './metadata-form.js';

/** All the metadata that a connection may have, twice, with each byte escaped. */
const FORM_LIMIT = 256 * 1024;

const placeOf = ({ id }: ConnectionView): string => `/admin/connections/${id}`;

/** Connections → one connection → its metadata: what operators note on it for their apps. */
@AdminPage('admin/connections/:id/metadata')
export class AdminConnectionMetadataController {
  constructor(
    private readonly services: Services,
    private readonly views: AdminViews,
  ) {}

  @Get()
  async page(@Param('id') text: string, @Req() request: FastifyRequest, @Res() reply: FastifyReply) {
    const connection = await this.connection(callerOf(request), text);
    const mayChange = request.operator?.role === 'administrator' && connection.state !== 'revoked';
    if (!mayChange) return reply.redirect(placeOf(connection), 303);
    const rows = [...rowsOf(connection.connection_metadata), newRow];
    return this.show(request, reply, connection, { rows });
  }

  @Post()
  @RouteConfig({ bodyLimit: FORM_LIMIT })
  async save(@Param('id') text: string, @Req() request: FastifyRequest, @Res() reply: FastifyReply) {
    const context = callerOf(request);
    const connection = await this.connection(context, text);
    const fields = fieldsOf(request);
    const sent = rowsSent(fields);
    if (fields['add'] !== undefined) return this.show(request, reply, connection, { rows: [...sent, newRow] });
    const rows = judged(sent, connection.connection_metadata);
    if (rows.some(({ fault }) => fault)) return this.show(request, reply, connection, { rows, status: 400 });
    const tried = await attempted(request, () => {
      const ask = { context, id: connection.id, changes: changesOf(rows) };
      return this.services.write('connection.platform.metadata', ask);
    });
    if ('problem' in tried) return this.show(request, reply, connection, { rows, ...tried });
    return reply.redirect(`${placeOf(connection)}?done=metadata-saved`, 303);
  }

  private connection(context: Context, text: string): Promise<ConnectionView> {
    return this.services.read('connection.platform.get', { context, id: idInPath('connection', text) });
  }

  private show(
    request: FastifyRequest,
    reply: FastifyReply,
    connection: ConnectionView,
    view: { rows: MetadataRow[]; status?: number; problem?: string },
  ): void {
    const others = othersOf(connection.connection_metadata);
    const data = { heading: 'Metadata', back: placeOf(connection), name: nameOf(connection), others, problem: null };
    this.views.show(request, reply, 'connection-metadata', { ...data, ...view });
  }
}

const nameOf = ({ institution_name, display_name, server_id }: ConnectionView): string =>
  institution_name ?? display_name ?? server_id;
