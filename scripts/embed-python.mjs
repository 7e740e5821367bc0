// Turns the Python library into a TypeScript module, so that the agent's one file carries it.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const source = join(root, 'python', 'src', 'jd');
const target = join(root, 'src', 'agent', 'generated', 'python-library.ts');

export function embedPython() {
  const names = existsSync(source)
    ? readdirSync(source)
        .filter((name) => name.endsWith('.py') || name === 'py.typed')
        .sort()
    : [];
  const files = names.map((name) => [name, readFileSync(join(source, name), 'utf8')]);
  const hash = createHash('sha256').update(JSON.stringify(files)).digest('hex').slice(0, 16);
  const entries = files.map(([name, text]) => `  ${JSON.stringify(name)}: ${JSON.stringify(text)},\n`).join('');
  const module =
    '// Made by scripts/embed-python.mjs from python/src/jd: change it there.\n' +
    `export const PYTHON_LIBRARY: Readonly<Record<string, string>> = {\n${entries}};\n\n` +
    `export const PYTHON_LIBRARY_HASH = '${hash}';\n`;
  if (existsSync(target) && readFileSync(target, 'utf8') === module) return;
  mkdirSync(dirname(target), { recursive: true });
  writeFileSync(target, module);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) embedPython();
