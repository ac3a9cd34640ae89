import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** Every form in which a secret might stand somewhere, by the name of the form. */
export function formsOf(secret: string): [string, string][] {
  const bytes = Buffer.from(secret);
  const hex = bytes.toString('hex');
  const escaped = [...bytes].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join('');
  const forms: [string, string][] = [
    ['raw', secret],
    ['hex', hex],
    ['HEX', hex.toUpperCase()],
    ['url', encodeURIComponent(secret)],
    ['url, every byte', escaped],
    ['URL, every byte', escaped.toUpperCase()],
  ];
  // In the middle of a longer text, base64 looks one of three ways; what depends on the neighbours is cut off.
  for (const shift of [0, 1, 2]) {
    const shifted = Buffer.concat([Buffer.alloc(shift), bytes]);
    const whole = shifted.subarray(0, shifted.length - (shifted.length % 3));
    for (const encoding of ['base64', 'base64url'] as const) {
      forms.push([`${encoding} at ${shift}`, whole.toString(encoding).slice(shift === 0 ? 0 : 4)]);
    }
  }
  return forms;
}

/** Which of the secrets stand in which places, and in what form. */
export function findSecrets(secrets: Record<string, string>, places: Record<string, Buffer>): string[] {
  return Object.entries(secrets).flatMap(([name, secret]) =>
    formsOf(secret).flatMap(([form, text]) =>
      Object.entries(places)
        .filter(([, content]) => content.includes(text))
        .map(([place]) => `${name} (${form}) in ${place}`),
    ),
  );
}

export interface Wiretap {
  port: number;
  /** All bytes so far, of both directions. */
  heard(): Buffer;
  close(): void;
}

/** Stands between processes and a server on this machine, and writes down what they say. */
export async function wiretap(target: { host: string; port: number }): Promise<Wiretap> {
  const chunks: Buffer[] = [];
  const open = new Set<Socket>();
  const server = createServer((near) => {
    const far = connect(target);
    const pass = (from: Socket, to: Socket) => {
      open.add(from);
      from.on('data', (chunk: Buffer) => {
        chunks.push(chunk);
        to.write(chunk);
      });
      from.on('error', () => undefined);
      from.on('close', () => to.destroy());
    };
    pass(near, far);
    pass(far, near);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    heard: () => Buffer.concat(chunks),
    close() {
      server.close();
      for (const socket of open) socket.destroy();
    },
  };
}
