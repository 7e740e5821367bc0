// Tells whether files changed since a stamp was written: first by path, size and time, and only if those differ by content.
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** Every file at or below the paths, relative to root, in a fixed order. */
export function listFiles(root, paths, wanted) {
  const files = [];
  const visit = (path) => {
    const stat = statSync(join(root, path), { throwIfNoEntry: false });
    if (stat === undefined) return;
    if (!stat.isDirectory()) {
      if (wanted(path)) files.push({ path, size: stat.size, mtime: stat.mtimeMs });
      return;
    }
    for (const name of readdirSync(join(root, path)).sort()) visit(`${path}/${name}`);
  };
  for (const path of paths) visit(path);
  return files;
}

function quickHash(files) {
  const hash = createHash('sha256');
  for (const { path, size, mtime } of files) hash.update(`${path}\0${size}\0${mtime}\n`);
  return hash.digest('hex');
}

function contentHash(root, files) {
  const hash = createHash('sha256');
  for (const { path, size } of files) hash.update(`${path}\0${size}\n`).update(readFileSync(join(root, path)));
  return hash.digest('hex');
}

export function fingerprint(root, files) {
  return { quick: quickHash(files), content: contentHash(root, files) };
}

export function writeStamp(file, stamp) {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, `${JSON.stringify(stamp)}\n`);
}

/** Whether the files are those of the stamp. When only times changed, the stamp is renewed. */
export function isFresh(file, root, files) {
  const stamp = readStamp(file);
  if (stamp === null) return false;
  const quick = quickHash(files);
  if (stamp.quick === quick) return true;
  if (stamp.content !== contentHash(root, files)) return false;
  writeStamp(file, { ...stamp, quick });
  return true;
}

function readStamp(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return null;
  }
}
