// A file system of a few megabytes that a test can fill, where mounting is allowed (Linux, as root).
import { execFileSync } from 'node:child_process';
import { mkdirSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import type { Stage } from './drover.ts';

/** Null where small disks can be made; else why not. As root a failure to mount is a failure of the test, not a reason to skip it. */
export function whyNoSmallDisk(): string | null {
  if (process.platform !== 'linux') return 'only Linux has tmpfs';
  return process.getuid?.() === 0 ? null : 'mounting a small disk needs root';
}

export interface SmallDisk {
  readonly path: string;
  /** Takes all space there is but this. */
  fill(leave?: number): void;
  /** Gives the space back. */
  clear(): void;
}

export function mountSmallDisk(stage: Stage, name: string, megabytes: number): SmallDisk {
  const path = stage.path(name);
  mkdirSync(path);
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m,mode=0700`, 'drover-test', path]);
  stage.atEnd(() => void execFileSync('umount', [path]));
  const ballast = join(path, 'ballast');
  return {
    path,
    fill(leave = 0) {
      const { bavail, bsize } = statfsSync(path);
      writeFileSync(`${ballast}.${Math.random()}`, Buffer.alloc(Math.max(0, bavail * bsize - leave)));
    },
    clear: () => void execFileSync('sh', ['-c', 'rm -f -- "$0".*', ballast]),
  };
}
