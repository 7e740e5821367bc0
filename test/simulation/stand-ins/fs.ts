// `node:fs` on the simulated disks; what lies elsewhere (the SQLite files) is left to the real one.
import * as real from 'node:fs';
import { Readable } from 'node:stream';

import { DiskError, type Disk, type DiskNode, type FileNode } from '../disk.ts';

import { diskOf } from './current.ts';

export const constants = real.constants;

interface OpenFile {
  readonly disk: Disk;
  readonly file: FileNode;
  readonly append: boolean;
  position: number;
}

/** Far above what the system gives out. */
let nextDescriptor = 1_000_000;
const open = new Map<number, OpenFile>();

export interface Stat {
  readonly size: number;
  readonly mtimeMs: number;
  readonly nlink: number;
  readonly uid: number;
  isFile(): boolean;
  isDirectory(): boolean;
}

export function toStat(node: DiskNode): Stat {
  const isFile = node.kind === 'file';
  return {
    size: isFile ? node.bytes.length : 4096,
    mtimeMs: node.mtime,
    nlink: isFile ? node.links : 2,
    uid: process.getuid?.() ?? 0,
    isFile: () => isFile,
    isDirectory: () => !isFile,
  };
}

export function existsSync(path: string): boolean {
  const disk = diskOf(path);
  if (disk === null) return real.existsSync(path);
  disk.enter();
  return disk.find(path) !== null;
}

export function statSync(path: string, options?: { readonly throwIfNoEntry?: boolean }): Stat | undefined {
  const disk = diskOf(path);
  if (disk === null) return real.statSync(path, options as undefined) as unknown as Stat;
  disk.enter();
  if (options?.throwIfNoEntry === false && disk.find(path) === null) return undefined;
  return toStat(disk.get(path));
}

/** There are no links on these disks. */
export function lstatSync(path: string, options?: { readonly throwIfNoEntry?: boolean }): Stat | undefined {
  return statSync(path, options);
}

export function mkdirSync(path: string, options?: { readonly recursive?: boolean; readonly mode?: number }): void {
  const disk = diskOf(path);
  if (disk === null) return void real.mkdirSync(path, options);
  disk.enterChange();
  disk.makeDirectory(path, options?.recursive === true);
}

export function readdirSync(path: string): string[] {
  const disk = diskOf(path);
  if (disk === null) return real.readdirSync(path);
  disk.enter();
  return disk.list(path);
}

export function readFileSync(path: string, encoding?: BufferEncoding): string | Buffer {
  const disk = diskOf(path);
  if (disk === null) return real.readFileSync(path, encoding);
  disk.enter();
  const { bytes } = disk.file(path);
  return encoding === undefined ? Buffer.from(bytes) : bytes.toString(encoding);
}

export function writeFileSync(target: string | number, data: string | Uint8Array, options?: { readonly mode?: number }): void {
  const bytes = typeof data === 'string' ? Buffer.from(data) : data;
  if (typeof target === 'number') {
    const opened = open.get(target);
    if (opened === undefined) return real.writeFileSync(target, data, options);
    opened.disk.enterChange();
    opened.disk.write(opened.file, opened.position, bytes);
    opened.position += bytes.byteLength;
    return;
  }
  const disk = diskOf(target);
  if (disk === null) return real.writeFileSync(target, data, options);
  disk.enterChange();
  const file = disk.find(target) === null ? disk.create(target) : disk.file(target);
  disk.truncate(file, 0);
  disk.write(file, 0, bytes);
}

export function openSync(path: string, flags: number | string, mode?: number): number {
  const disk = diskOf(path);
  if (disk === null) return real.openSync(path, flags, mode);
  disk.enter();
  const bits = typeof flags === 'number' ? flags : flags === 'wx' ? constants.O_CREAT | constants.O_EXCL : 0;
  const exists = disk.find(path) !== null;
  if (exists && (bits & constants.O_EXCL) !== 0) throw new DiskError('EEXIST', path);
  if (!exists && (bits & constants.O_CREAT) === 0) throw new DiskError('ENOENT', path);
  if (!exists) disk.enterChange();
  const file = exists ? disk.file(path) : disk.create(path);
  nextDescriptor += 1;
  open.set(nextDescriptor, { disk, file, append: (bits & constants.O_APPEND) !== 0, position: 0 });
  return nextDescriptor;
}

export function closeSync(descriptor: number): void {
  if (!open.delete(descriptor)) real.closeSync(descriptor);
}

function opened(descriptor: number): OpenFile {
  const found = open.get(descriptor);
  if (found === undefined) throw new DiskError('EBADF', String(descriptor));
  return found;
}

export function fstatSync(descriptor: number): Stat {
  return toStat(opened(descriptor).file);
}

export function fsyncSync(descriptor: number): void {
  const { disk, file } = opened(descriptor);
  disk.enterChange();
  disk.sync(file);
}

export function writeSync(descriptor: number, data: Uint8Array | string, offset?: number, length?: number, position?: number): number {
  const found = open.get(descriptor);
  if (found === undefined) return real.writeSync(descriptor, data as Uint8Array, offset, length, position);
  const bytes = typeof data === 'string' ? Buffer.from(data) : Buffer.from(data.buffer, data.byteOffset + (offset ?? 0), length ?? data.byteLength);
  found.disk.enterChange();
  found.disk.write(found.file, found.append ? found.file.bytes.length : (position ?? found.position), bytes);
  return bytes.byteLength;
}

export function readSync(descriptor: number, buffer: Buffer, offset: number, length: number, position: number): number {
  const { disk, file } = opened(descriptor);
  disk.enter();
  return file.bytes.copy(buffer, offset, position, position + length);
}

export function renameSync(from: string, to: string): void {
  const disk = diskOf(from);
  if (disk === null) return real.renameSync(from, to);
  disk.enterChange();
  disk.rename(from, to);
}

export function linkSync(from: string, to: string): void {
  const disk = diskOf(from);
  if (disk === null) return real.linkSync(from, to);
  disk.enterChange();
  disk.link(from, to);
}

export function rmSync(path: string, options?: { readonly recursive?: boolean; readonly force?: boolean }): void {
  const disk = diskOf(path);
  if (disk === null) return real.rmSync(path, options);
  disk.enterChange();
  disk.remove(path, { recursive: options?.recursive === true, force: options?.force === true });
}

export function unlinkSync(path: string): void {
  rmSync(path);
}

export function accessSync(path: string, mode?: number): void {
  const disk = diskOf(path);
  if (disk === null) return real.accessSync(path, mode);
  disk.get(path);
}

export function createReadStream(path: string, range?: { readonly start?: number; readonly end?: number }): Readable {
  const disk = diskOf(path);
  if (disk === null) return real.createReadStream(path, range);
  try {
    disk.enter();
    const { bytes } = disk.file(path);
    const piece = bytes.subarray(range?.start ?? 0, range?.end === undefined ? undefined : range.end + 1);
    return Readable.from(piece.length === 0 ? [] : [piece], { objectMode: false });
  } catch (error) {
    const broken = new Readable({ read: () => undefined });
    broken.destroy(error as Error);
    return broken;
  }
}

export const readlinkSync = real.readlinkSync;
export const copyFileSync = real.copyFileSync;
export const statfsSync = real.statfsSync;
