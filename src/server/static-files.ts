// Serves a built folder. Only names that a listing of the folder gave can be asked for, so no path is made from a request.
import { createHash } from 'node:crypto';
import { readdir, readFile, stat } from 'node:fs/promises';
import { extname, join, sep } from 'node:path';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';

const compress = promisify(gzip);

export interface StaticFiles {
  /** Null when there is no such file. `name` has no leading slash. */
  respond(name: string, request: Request, headers: Readonly<Record<string, string>>): Promise<Response | null>;
}

export interface StaticOptions {
  readonly root: string;
  /** When this file changes, the folder was built anew. */
  readonly marker: string;
  /** How browsers may keep a file. */
  readonly cacheControl: (name: string) => string;
}

interface StoredFile {
  readonly type: string;
  /** Weak, because it names the content, whether packed or not. */
  readonly etag: string;
  readonly plain: Uint8Array<ArrayBuffer>;
  /** Only for texts. */
  readonly packed: Uint8Array<ArrayBuffer> | null;
}

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.mjs': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json',
  '.map': 'application/json',
  '.txt': 'text/plain; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.ico': 'image/x-icon',
  '.woff2': 'font/woff2',
  '.webmanifest': 'application/manifest+json',
};

export function createStaticFiles(options: StaticOptions): StaticFiles {
  let names = new Set<string>();
  let built: number | null = null;
  const loaded = new Map<string, Promise<StoredFile>>();

  async function refresh(): Promise<void> {
    const info = await stat(join(options.root, options.marker)).catch(() => null);
    const now = info?.mtimeMs ?? null;
    if (now === built) return;
    names = now === null ? new Set() : await listFiles(options.root);
    loaded.clear();
    built = now;
  }

  return {
    async respond(name, request, headers) {
      await refresh();
      if (!names.has(name)) return null;
      let file = loaded.get(name);
      if (file === undefined) {
        file = load(join(options.root, name));
        // A file that cannot be read now may be readable later.
        file.catch(() => loaded.delete(name));
        loaded.set(name, file);
      }
      return toResponse(await file, request, { ...headers, 'cache-control': options.cacheControl(name) });
    },
  };
}

async function listFiles(root: string): Promise<Set<string>> {
  const entries = await readdir(root, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  return new Set(
    files.map((entry) =>
      join(entry.parentPath, entry.name)
        .slice(root.length + 1)
        .split(sep)
        .join('/'),
    ),
  );
}

async function load(path: string): Promise<StoredFile> {
  const plain = new Uint8Array(await readFile(path));
  const type = TYPES[extname(path)] ?? 'application/octet-stream';
  const isText = /^text|json|svg|javascript/.test(type);
  const packed = isText ? new Uint8Array(await compress(plain)) : null;
  return { type, etag: `W/"${createHash('sha256').update(plain).digest('base64url').slice(0, 22)}"`, plain, packed };
}

function toResponse(file: StoredFile, request: Request, given: Readonly<Record<string, string>>): Response {
  const headers: Record<string, string> = { ...given, etag: file.etag, vary: 'accept-encoding' };
  const known = request.headers.get('if-none-match');
  if (known !== null && known.split(',').some((one) => one.trim() === file.etag)) return new Response(null, { status: 304, headers });
  headers['content-type'] = file.type;
  const packs = file.packed !== null && /\bgzip\b/.test(request.headers.get('accept-encoding') ?? '');
  if (packs) headers['content-encoding'] = 'gzip';
  return new Response(packs ? file.packed : file.plain, { headers });
}
