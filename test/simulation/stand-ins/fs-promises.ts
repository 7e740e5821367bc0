// `node:fs/promises` on the simulated disks: each call takes a moment, and never ends for a process that is dead by then.
import * as real from 'node:fs/promises';
import { Readable } from 'node:stream';

import type { Disk, FileNode } from '../disk.ts';

import { current, diskOf } from './current.ts';
import { toStat, type Stat } from './fs.ts';

/** What a call to a disk takes, milliseconds. */
const TAKES = { least: 0.05, most: 3 };

function later<T>(disk: Disk, work: () => T): Promise<T> {
  return new Promise((resolve, reject) => {
    const { life } = disk;
    if (life === null || life.dead) return;
    disk.machine.deliver(life, current.random.spread(TAKES.least, TAKES.most), () => {
      try {
        disk.enter();
        resolve(work());
      } catch (error) {
        reject(error as Error);
      }
    });
  });
}

class Handle {
  readonly #disk: Disk;
  readonly #file: FileNode | null;
  readonly #path: string;

  constructor(disk: Disk, path: string, file: FileNode | null) {
    this.#disk = disk;
    this.#path = path;
    this.#file = file;
  }

  get #opened(): FileNode {
    return this.#file ?? this.#disk.file(this.#path);
  }

  read(buffer: Buffer, offset: number, length: number, position: number): Promise<{ buffer: Buffer; bytesRead: number }> {
    return later(this.#disk, () => ({ buffer, bytesRead: this.#opened.bytes.copy(buffer, offset, position, position + length) }));
  }

  writeFile(data: Uint8Array): Promise<void> {
    return later(this.#disk, () => {
      this.#disk.enterChange();
      this.#disk.append(this.#opened, data);
    });
  }

  stat(): Promise<Stat> {
    return later(this.#disk, () => toStat(this.#file ?? this.#disk.get(this.#path)));
  }

  truncate(): Promise<void> {
    return later(this.#disk, () => this.#disk.truncate(this.#opened, 0));
  }

  createReadStream(): Readable {
    return Readable.from([this.#opened.bytes], { objectMode: false });
  }

  sync(): Promise<void> {
    return later(this.#disk, () => this.#disk.sync(this.#file ?? this.#disk.get(this.#path)));
  }

  close(): Promise<void> {
    return later(this.#disk, () => undefined);
  }
}

export function open(path: string, flags: string | number, mode?: number): Promise<Handle | real.FileHandle> {
  const disk = diskOf(path);
  if (disk === null) return real.open(path, flags, mode);
  return later(disk, () => {
    if (flags === 'wx') {
      disk.enterChange();
      return new Handle(disk, path, disk.create(path));
    }
    const node = disk.get(path);
    return new Handle(disk, path, node.kind === 'file' ? node : null);
  });
}

export function mkdir(path: string, options?: { readonly recursive?: boolean; readonly mode?: number }): Promise<unknown> {
  const disk = diskOf(path);
  if (disk === null) return real.mkdir(path, options);
  return later(disk, () => disk.makeDirectory(path, options?.recursive === true));
}

export function readdir(path: string): Promise<string[]> {
  const disk = diskOf(path);
  return disk === null ? real.readdir(path) : later(disk, () => disk.list(path));
}

export function rename(from: string, to: string): Promise<void> {
  const disk = diskOf(from);
  return disk === null ? real.rename(from, to) : later(disk, () => disk.rename(from, to));
}

export function rm(path: string, options?: { readonly recursive?: boolean; readonly force?: boolean }): Promise<void> {
  const disk = diskOf(path);
  if (disk === null) return real.rm(path, options);
  return later(disk, () => disk.remove(path, { recursive: options?.recursive === true, force: options?.force === true }));
}

export function stat(path: string): Promise<Stat | Awaited<ReturnType<typeof real.stat>>> {
  const disk = diskOf(path);
  return disk === null ? real.stat(path) : later(disk, () => toStat(disk.get(path)));
}

// The dashboard's files, and measurements of this computer: no simulated path comes here.
export const { mkdtemp, readFile, statfs } = real;
