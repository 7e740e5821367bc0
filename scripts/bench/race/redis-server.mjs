// Redis on loopback: with the persistence of its defaults (snapshots: a crash may lose minutes), or with every write synced to disk.
import { mkdirSync } from 'node:fs';
import { connect } from 'node:net';

import { firstLine } from '../machine.mjs';
import { waitFor } from '../stage.mjs';
import { freePort } from './free-port.mjs';

const PERSISTENCE = { default: [], always: ['--appendonly', 'yes', '--appendfsync', 'always'] };

export const redisVersion = () => /v=(\S+)/.exec(firstLine('redis-server', ['--version']) ?? '')?.[1] ?? null;

/** @param {'default' | 'always'} persistence */
export async function startRedis(stage, persistence) {
  const directory = stage.path(`redis-${persistence}`);
  mkdirSync(directory);
  const port = await freePort();
  const args = ['--bind', '127.0.0.1', '--port', String(port), '--dir', directory, '--maxmemory-policy', 'noeviction', ...PERSISTENCE[persistence]];
  const program = stage.start('redis-server', args, { label: 'redis' });
  await waitFor(program, () => answers(port));
  return { port, stop: program.stop };
}

function answers(port) {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => socket.write('PING\r\n'));
    socket.once('data', (bytes) => resolve(bytes.toString().startsWith('+PONG'))).once('error', () => resolve(false));
    socket.once('data', () => socket.destroy());
  });
}
