// A proxy as firms and clusters have it: takes plain requests by their whole address, builds tunnels for the others, and alone
// knows the names of the servers behind it.
import { createServer, request, type Server } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';

import type { Stage } from './drover.ts';

export interface ForwardProxy {
  readonly url: string;
  /** `GET http://drover.test/api/v1/x` or `CONNECT drover.test:443`, in order. */
  readonly seen: readonly string[];
  /** Gone with all its connections. */
  stop(): Promise<void>;
  /** Back at the same address. */
  start(): Promise<void>;
}

/** `names` says at which port of this machine a name is served. */
export async function startForwardProxy(stage: Stage, names: Readonly<Record<string, number>>): Promise<ForwardProxy> {
  const seen: string[] = [];
  const sockets = new Set<Socket>();
  let server: Server | null = null;
  let port = 0;
  const portOf = (name: string): number | undefined => names[name];
  async function start(): Promise<void> {
    server = createProxy(seen, portOf).on('connection', (socket) => sockets.add(socket.on('close', () => sockets.delete(socket))));
    const own = server;
    await new Promise<void>((listening) => own.listen(port, '127.0.0.1', listening));
    ({ port } = own.address() as AddressInfo);
  }
  function cut(): void {
    server?.close();
    for (const socket of sockets) socket.destroy();
  }
  await start();
  stage.atEnd(cut);
  return {
    url: `http://127.0.0.1:${port}`,
    seen,
    start,
    async stop() {
      const closed = new Promise((resolve) => server?.once('close', resolve));
      cut();
      await closed;
    },
  };
}

function createProxy(seen: string[], portOf: (name: string) => number | undefined): Server {
  const server = createServer((incoming, outgoing) => {
    const { method, url = '', headers } = incoming;
    seen.push(`${method} ${url}`);
    const target = URL.canParse(url) ? new URL(url) : null;
    const port = portOf(target?.hostname ?? '');
    if (target === null || port === undefined) return void outgoing.writeHead(502).end('no such name');
    const path = target.pathname + target.search;
    const onward = request({ host: '127.0.0.1', port, method, path, headers, agent: false }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(outgoing);
      answer.on('error', () => outgoing.destroy());
    });
    onward.on('error', () => outgoing.destroy());
    incoming.pipe(onward);
    outgoing.on('close', () => onward.destroy());
  });
  // Bodies and replies take as long as they take.
  server.requestTimeout = 0;
  return server.on('connect', (incoming, socket: Socket, head: Buffer) => {
    seen.push(`CONNECT ${incoming.url}`);
    const port = portOf(incoming.url?.replace(/:\d+$/, '') ?? '');
    if (port === undefined) return void socket.end('HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n');
    const onward = connect(port, '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 Connection Established\r\n\r\n');
      onward.write(head);
      socket.pipe(onward).pipe(socket);
    });
    onward.on('error', () => socket.destroy()).on('close', () => socket.destroy());
    socket.on('error', () => onward.destroy()).on('close', () => onward.destroy());
  });
}
