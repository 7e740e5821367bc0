// A certificate authority of one test, and a server behind TLS with a certificate of it.
import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { createServer } from 'node:tls';

import type { Stage } from './drover.ts';

/** Null where certificates can be made; else why not. */
export function whyNoAuthority(): string | null {
  return spawnSync('openssl', ['version']).status === 0 ? null : 'there is no openssl here';
}

export interface Authority {
  /** PEM, for those who are to trust it. */
  readonly ca_file: string;
  readonly key: Buffer;
  /** For the names that it was made for. */
  readonly certificate: Buffer;
}

/** `names` as in `DNS:drover.test` or `IP:127.0.0.1`. */
export function createAuthority(stage: Stage, names: readonly string[]): Authority {
  const extensions = stage.file('tls/leaf.ext', `subjectAltName=${names.join(',')}\nauthorityKeyIdentifier=keyid\nbasicConstraints=critical,CA:FALSE\n`);
  const path = (name: string): string => stage.path('tls', name);
  const openssl = (...args: string[]): void => void execFileSync('openssl', args, { stdio: 'pipe' });
  const newKey = (file: string): string[] => ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', path(file)];
  const usage = ['-addext', 'keyUsage=critical,keyCertSign,cRLSign'];
  openssl('req', '-x509', ...newKey('ca.key'), '-out', path('ca.pem'), '-days', '2', '-subj', '/CN=Authority of a test', ...usage);
  openssl('req', ...newKey('leaf.key'), '-out', path('leaf.csr'), '-subj', '/CN=drover');
  const signed = ['-CA', path('ca.pem'), '-CAkey', path('ca.key'), '-CAcreateserial', '-days', '2', '-extfile', extensions];
  openssl('x509', '-req', '-in', path('leaf.csr'), '-out', path('leaf.pem'), ...signed);
  return { ca_file: path('ca.pem'), key: readFileSync(path('leaf.key')), certificate: readFileSync(path('leaf.pem')) };
}

export interface TlsFront {
  readonly port: number;
  /** Connections that it saw begin, whether or not the handshake succeeded. */
  connections(): number;
}

/** Speaks TLS for a server that does not. */
export async function startTlsFront(stage: Stage, { key, certificate }: Authority, target: string): Promise<TlsFront> {
  const sockets = new Set<Socket>();
  const { hostname, port } = new URL(target);
  let connections = 0;
  const server = createServer({ key, cert: certificate }, (socket) => {
    const onward = connect(Number(port), hostname);
    for (const [one, other] of [
      [socket, onward],
      [onward, socket],
    ] as const) {
      one.pipe(other);
      one.on('error', () => other.destroy());
      one.on('close', () => other.destroy());
    }
  });
  server.on('connection', (socket: Socket) => {
    connections += 1;
    sockets.add(socket.on('close', () => sockets.delete(socket)));
  });
  server.on('tlsClientError', (_, socket) => socket.destroy());
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  stage.atEnd(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return { port: (server.address() as AddressInfo).port, connections: () => connections };
}
