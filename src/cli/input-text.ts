// Text from outside: a file that was named, or standard input.
import { readFile } from 'node:fs/promises';
import { isAbsolute, join } from 'node:path';

import type { CliDependencies } from './dependencies.ts';
import { usageError } from './failure.ts';

type Outside = Pick<CliDependencies, 'stdin' | 'cwd'>;

/** `-` is standard input. */
export async function readInputText(outside: Outside, file: string): Promise<string> {
  const bytes = file === '-' ? await readAll(outside.stdin) : await readFileBytes(isAbsolute(file) ? file : join(outside.cwd, file));
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw usageError(`${inputName(file)} is not text in UTF-8.`);
  }
}

export function inputName(file: string): string {
  return file === '-' ? 'standard input' : file;
}

async function readFileBytes(path: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (error) {
    throw usageError(`${path} cannot be read (${(error as NodeJS.ErrnoException).code}).`);
  }
}

async function readAll(stdin: CliDependencies['stdin']): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stdin) chunks.push(Buffer.from(chunk as Uint8Array));
  return Buffer.concat(chunks);
}
