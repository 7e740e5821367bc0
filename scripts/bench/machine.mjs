// The machine and the versions that figures belong to.
import { execFileSync } from 'node:child_process';
import { statfsSync } from 'node:fs';
import { cpus, loadavg, release, totalmem, type } from 'node:os';

import LibsqlDatabase from 'libsql';

import { ROOT } from '../step.mjs';

const FILE_SYSTEMS = { 0xef53: 'ext4', 0x9123683e: 'btrfs', 0x58465342: 'xfs', 0x01021994: 'tmpfs', 0x794c7630: 'overlayfs', 0x2fc12fc1: 'zfs' };

export function describeMachine(directory) {
  const [cpu] = cpus();
  return {
    cpu: cpu?.model.trim() ?? 'unknown',
    cores: cpus().length,
    memory_gib: Math.round((totalmem() / 2 ** 30) * 10) / 10,
    system: `${type()} ${release()}`,
    file_system: FILE_SYSTEMS[Number(statfsSync(directory).type) >>> 0] ?? `0x${Number(statfsSync(directory).type).toString(16)}`,
    node: process.versions.node,
    sqlite: sqliteVersion(),
    commit: commit(),
  };
}

export function load() {
  return loadavg().map((value) => Math.round(value * 100) / 100);
}

function sqliteVersion() {
  const database = new LibsqlDatabase(':memory:');
  const { version } = database.prepare('select sqlite_version() as version').get();
  database.close();
  return version;
}

/** With a star when files differ from it. */
function commit() {
  const id = firstLine('git', ['rev-parse', '--short', 'HEAD']);
  return id === null ? 'unknown' : id + (firstLine('git', ['status', '--porcelain']) === null ? '' : '*');
}

/** What a program says first; null when it says nothing or is not there. */
export function firstLine(program, args) {
  try {
    const text = execFileSync(program, args, { cwd: ROOT, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
    return text.split('\n')[0] || null;
  } catch {
    return null;
  }
}
