import { randomUUID } from 'node:crypto';
import { type IncomingMessage, type Server, type ServerResponse, STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { type ErrorCode, errors } from '#contracts/errors.js';

const ofParserError: Partial<Record<string, ErrorCode>> = {
  HPE_HEADER_OVERFLOW: 'HEADERS_TOO_LARGE',
  ERR_HTTP_REQUEST_TIMEOUT: 'REQUEST_TIMEOUT',
};

/** The newest request of each connection. */
const newest = new WeakMap<Socket, IncomingMessage>();

export function rememberRequests(server: Server): void {
  server.on('request', (request: IncomingMessage) => newest.set(request.socket, request));
}

/** Bytes that are no HTTP request never reach a route; they still get an answer in the envelope, where one can be heard. */
export function answerMalformed(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable || isAnswered(socket)) return void socket.destroy();
  const code = ofParserError[error.code ?? ''] ?? 'BAD_REQUEST';
  const { status, text } = errors[code];
  const body = JSON.stringify({ error: { code, message: text } });
  socket.end(
    [
      `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
      'content-type: application/json; charset=utf-8',
      `content-length: ${Buffer.byteLength(body)}`,
      `x-request-id: ${randomUUID()}`,
      'x-content-type-options: nosniff',
      'cache-control: no-store',
      'connection: close',
      '',
      body,
    ].join('\r\n'),
  );
}

/** An answer is on its way here, or the request whose body this is has had its own: another one would be taken for a part of it. */
function isAnswered(socket: Socket): boolean {
  const { _httpMessage: open } = socket as { _httpMessage?: ServerResponse | null };
  return open ? open.headersSent : newest.get(socket)?.complete === false;
}
