// A disk in memory that forgets what was not synced when its machine loses power, and that can be full.
import { posix } from 'node:path';

import type { Random } from './random.ts';
import { Killed, type World } from './world.ts';
import type { Life, Machine } from './machine.ts';

export interface FileNode {
  readonly kind: 'file';
  bytes: Buffer;
  mtime: number;
  links: number;
  /** What a power loss leaves for sure. */
  durable: Buffer;
  dirty: boolean;
}

export interface DirectoryNode {
  readonly kind: 'directory';
  readonly children: Map<string, DiskNode>;
  mtime: number;
}

export type DiskNode = FileNode | DirectoryNode;

/** A change of names, which a power loss may undo while it is young. */
interface Rename {
  readonly at: number;
  readonly undo: () => void;
}

/** How often a file system writes its names by itself. */
const COMMIT_MS = 5_000;

export class DiskError extends Error {
  readonly code: string;

  constructor(code: string, path: string) {
    super(`${code}: ${path}`);
    this.code = code;
  }
}

export class Disk {
  readonly machine: Machine;
  /** The process that works on it through the stand-ins of Node's modules. */
  life: Life | null = null;
  /** Nothing more can be written. */
  full = false;
  /** Calls back before this many more changes by `life`: the moment to die. */
  onChange: (() => void) | null = null;
  readonly #world: World;
  readonly #root: DirectoryNode = { kind: 'directory', children: new Map(), mtime: 0 };
  #journal: Rename[] = [];

  constructor(world: World, machine: Machine) {
    this.#world = world;
    this.machine = machine;
  }

  /** Before anything that the process does: a dead one does nothing. */
  enter(): void {
    this.#world.stir();
    if (this.life?.dead === true) throw new Killed();
  }

  /** Before anything that the process changes. */
  enterChange(): void {
    this.enter();
    this.onChange?.();
    if (this.life?.dead === true) throw new Killed();
  }

  find(path: string): DiskNode | null {
    let node: DiskNode = this.#root;
    for (const part of parts(path)) {
      if (node.kind !== 'directory') return null;
      const child = node.children.get(part);
      if (child === undefined) return null;
      node = child;
    }
    return node;
  }

  get(path: string): DiskNode {
    const node = this.find(path);
    if (node === null) throw new DiskError('ENOENT', path);
    return node;
  }

  file(path: string): FileNode {
    const node = this.get(path);
    if (node.kind !== 'file') throw new DiskError('EISDIR', path);
    return node;
  }

  list(path: string): string[] {
    const node = this.get(path);
    if (node.kind !== 'directory') throw new DiskError('ENOTDIR', path);
    return [...node.children.keys()];
  }

  /** Every file below a path. */
  files(path: string): string[] {
    const node = this.find(path);
    if (node === null) return [];
    if (node.kind === 'file') return [path];
    return [...node.children.keys()].flatMap((name) => this.files(posix.join(path, name)));
  }

  create(path: string): FileNode {
    this.refuseFull(path);
    const parent = this.#parent(path);
    const node: FileNode = { kind: 'file', bytes: Buffer.alloc(0), mtime: this.machine.wall(), links: 1, durable: Buffer.alloc(0), dirty: false };
    this.#put(parent, posix.basename(path), node);
    return node;
  }

  makeDirectory(path: string, recursive: boolean): void {
    const known = this.find(path);
    if (known !== null) {
      if (recursive && known.kind === 'directory') return;
      throw new DiskError('EEXIST', path);
    }
    const above = posix.dirname(path);
    if (recursive && this.find(above) === null) this.makeDirectory(above, true);
    this.refuseFull(path);
    this.#put(this.#parent(path), posix.basename(path), { kind: 'directory', children: new Map(), mtime: this.machine.wall() });
  }

  /** Writes at a position; a file grows as needed. */
  write(file: FileNode, at: number, data: Uint8Array): void {
    const end = at + data.byteLength;
    // What was allocated before can be written on a full disk too.
    if (end > file.bytes.length) this.refuseFull('write');
    if (end > file.bytes.length) file.bytes = Buffer.concat([file.bytes, Buffer.alloc(end - file.bytes.length)]);
    else file.bytes = Buffer.from(file.bytes);
    file.bytes.set(data, at);
    this.#dirty(file);
  }

  append(file: FileNode, data: Uint8Array): void {
    this.write(file, file.bytes.length, data);
  }

  truncate(file: FileNode, length: number): void {
    file.bytes = Buffer.concat([file.bytes.subarray(0, length), Buffer.alloc(Math.max(0, length - file.bytes.length))]);
    this.#dirty(file);
  }

  rename(from: string, to: string): void {
    const node = this.get(from);
    const target = this.find(to);
    if (target?.kind === 'directory' && target.children.size > 0) throw new DiskError('ENOTEMPTY', to);
    const parent = this.#parent(to);
    this.#drop(this.#parent(from), posix.basename(from));
    this.#put(parent, posix.basename(to), node);
  }

  link(from: string, to: string): void {
    if (this.find(to) !== null) throw new DiskError('EEXIST', to);
    const file = this.file(from);
    file.links += 1;
    this.#put(this.#parent(to), posix.basename(to), file);
  }

  remove(path: string, options: { readonly recursive: boolean; readonly force: boolean }): void {
    const node = this.find(path);
    if (node === null) {
      if (options.force) return;
      throw new DiskError('ENOENT', path);
    }
    if (node.kind === 'directory' && !options.recursive) throw new DiskError('EISDIR', path);
    if (node.kind === 'file') node.links -= 1;
    this.#drop(this.#parent(path), posix.basename(path));
  }

  sync(node: DiskNode): void {
    this.#journal = [];
    if (node.kind !== 'file') return;
    node.durable = node.bytes;
    node.dirty = false;
  }

  refuseFull(path: string): void {
    if (this.full) throw new DiskError('ENOSPC', path);
  }

  /** What was not synced is there, or not, or in part. */
  losePower(random: Random): void {
    const lost = random.int(0, this.#journal.length);
    for (const change of this.#journal.slice(this.#journal.length - lost).reverse()) change.undo();
    this.#journal = [];
    for (const path of this.files('/')) {
      const file = this.file(path);
      if (!file.dirty) continue;
      const fate = random.next();
      const kept = random.int(0, file.bytes.length);
      if (fate < 0.4) file.bytes = file.durable;
      else if (fate < 0.7) file.bytes = Buffer.concat([file.bytes.subarray(0, kept), file.durable.subarray(kept)]);
      file.durable = file.bytes;
      file.dirty = false;
    }
  }

  #dirty(file: FileNode): void {
    file.mtime = this.machine.wall();
    file.dirty = true;
  }

  #parent(path: string): DirectoryNode {
    const node = this.get(posix.dirname(path));
    if (node.kind !== 'directory') throw new DiskError('ENOTDIR', path);
    return node;
  }

  #put(parent: DirectoryNode, name: string, node: DiskNode): void {
    const before = parent.children.get(name);
    parent.children.set(name, node);
    this.#note(() => (before === undefined ? parent.children.delete(name) : parent.children.set(name, before)));
  }

  #drop(parent: DirectoryNode, name: string): void {
    const before = parent.children.get(name);
    parent.children.delete(name);
    if (before !== undefined) this.#note(() => parent.children.set(name, before));
  }

  #note(undo: () => void): void {
    const now = this.#world.time;
    if (this.#journal.length > 0 && this.#journal[0]!.at < now - COMMIT_MS) this.#journal = this.#journal.filter((change) => change.at >= now - COMMIT_MS);
    this.#journal.push({ at: now, undo });
  }
}

function parts(path: string): string[] {
  return posix
    .normalize(path)
    .split('/')
    .filter((part) => part !== '');
}
