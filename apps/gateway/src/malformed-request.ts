import { randomUUID } from 'node:crypto';
import { type IncomingMessage, type Server, type ServerResponse, STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { type ErrorCode, errors } from '#contracts/errors.js';
import { breaksOff } from './request-record.js';

const ofParserError: Partial<Record<string, ErrorCode>> = {
  HPE_HEADER_OVERFLOW: 'HEADERS_TOO_LARGE',
  ERR_HTTP_REQUEST_TIMEOUT: 'REQUEST_TIMEOUT',
};

/** A client that is still sending has so long to hear why it was refused. */
const LAST_HEARD_MS = 1_000;

/** The newest request of each connection. */
const newest = new WeakMap<Socket, IncomingMessage>();

export function rememberRequests(server: Server): void {
  const remember = (request: IncomingMessage) => newest.set(request.socket, request);
  // The second are those that expect something: of them there is no 'request'.
  server.on('request', remember).on('checkExpectation', remember);
}

/** Bytes that are no HTTP request never reach a route; they still get an answer in the envelope, where one can be heard. */
export function answerMalformed(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable || isAnswered(socket)) return void socket.destroy();
  const code = ofParserError[error.code ?? ''] ?? 'BAD_REQUEST';
  const { status, text } = errors[code];
  const open = answerUnder(socket);
  if (open) breaksOff(open, status);
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
  // Whoever never closes the own side would keep the connection, and all that belongs to its request.
  setTimeout(() => socket.destroy(), LAST_HEARD_MS).unref();
}

/** An answer is on its way here, or the request whose body this is has had its own: another one would be taken for a part of it. */
function isAnswered(socket: Socket): boolean {
  const open = answerUnder(socket);
  return open ? open.headersSent : newest.get(socket)?.complete === false;
}

/** Of a request whose body was not whole yet. */
const answerUnder = (socket: Socket): ServerResponse | null | undefined =>
  (socket as { _httpMessage?: ServerResponse | null })._httpMessage;
