// Stands between an agent and the server on real sockets, sees every exchange whole, and can lose a reply on its way back.
import { createServer, request as send, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Exchange {
  readonly method: string;
  readonly path: string;
  readonly request: Buffer;
  readonly status: number;
  readonly reply: Buffer;
}

export interface Proxy {
  readonly url: string;
  readonly exchanges: readonly Exchange[];
  /** The first reply that fits is cut off: the server has acted, the agent hears nothing. Resolves when it happened. */
  loseReply(fits: (exchange: Exchange) => boolean): Promise<Exchange>;
  close(): void;
}

export async function startProxy(target: string): Promise<Proxy> {
  const exchanges: Exchange[] = [];
  const losses: { fits: (exchange: Exchange) => boolean; happened: (exchange: Exchange) => void }[] = [];
  const { hostname, port } = new URL(target);
  const server = createServer((incoming, outgoing) => {
    void (async () => {
      const body = await whole(incoming);
      const { method = 'GET', url: path = '/', headers } = incoming;
      const forward = send({ hostname, port, method, path, headers });
      incoming.socket.once('close', () => forward.destroy());
      forward.on('error', () => incoming.socket.destroy());
      forward.on('response', (answer) => {
        void whole(answer).then((reply) => {
          const exchange = { method, path, request: body, status: answer.statusCode ?? 0, reply };
          exchanges.push(exchange);
          const index = losses.findIndex(({ fits }) => fits(exchange));
          if (index < 0) {
            outgoing.writeHead(exchange.status, answer.headers);
            outgoing.end(reply);
            return;
          }
          incoming.socket.destroy();
          losses.splice(index, 1)[0]!.happened(exchange);
        });
      });
      forward.end(body);
    })().catch(() => incoming.socket.destroy());
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    exchanges,
    loseReply: (fits) => new Promise((happened) => losses.push({ fits, happened })),
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}

async function whole(message: IncomingMessage): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const piece of message) pieces.push(piece as Buffer);
  return Buffer.concat(pieces);
}
