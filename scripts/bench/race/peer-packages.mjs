// The queues from npm that Drover races against: a folder of their own with a lockfile, installed here only, each run in a process of its own.
import { fork } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { ROOT, run } from '../../step.mjs';

const FOLDER = join(ROOT, 'bench/peers');
const STAMP = join(FOLDER, 'node_modules/.installed');

/** Installs them unless the lockfile's packages are there. The reply is what is missing, or null. */
export async function installPeers() {
  const wanted = createHash('sha256')
    .update(readFileSync(join(FOLDER, 'package-lock.json')))
    .digest('hex');
  if (existsSync(STAMP) && readFileSync(STAMP, 'utf8') === wanted) return null;
  process.stderr.write('Installing the peers from npm (only once) …\n');
  const { status, output } = await run('npm', ['install', '--no-save', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'], { cwd: FOLDER });
  if (status !== 0) return `the packages of bench/peers could not be installed: cd bench/peers && npm install\n${output}`;
  writeFileSync(STAMP, wanted);
  return null;
}

export function peerVersion(name) {
  return JSON.parse(readFileSync(join(FOLDER, `node_modules/${name}/package.json`), 'utf8')).version;
}

/** Starts the program of a peer. `ask` sends it a command and resolves with its answer. */
export async function openPeer(name, settings) {
  const child = fork(join(FOLDER, `${name}.mjs`), { stdio: ['ignore', 'ignore', 'inherit', 'ipc'], execArgv: [] });
  const ended = new Promise((resolve) => child.once('exit', (code, signal) => resolve(`${name} ended with ${code ?? signal}.`)));
  const ask = async (command, argument = {}) => {
    child.send({ command, argument });
    const reply = await Promise.race([new Promise((resolve) => child.once('message', resolve)), ended.then((why) => ({ error: why }))]);
    if (reply.error !== undefined) throw new Error(`${name}, ${command}: ${reply.error}`);
    return reply.value;
  };
  await ask('open', settings);
  return {
    ask,
    async close() {
      if (child.connected) await ask('close');
      if (child.connected) child.disconnect();
      await ended;
    },
  };
}
