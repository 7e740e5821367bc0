// Turns the Python library and the launcher into a TypeScript module, so that the agent's one file carries them.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const source = join(root, 'python', 'src', 'jd');
const launcher = join(root, 'src', 'agent', 'launcher.py');
const target = join(root, 'src', 'agent', 'generated', 'python-library.ts');

export function embedPython() {
  const names = existsSync(source)
    ? readdirSync(source)
        .filter((name) => name.endsWith('.py') || name === 'py.typed')
        .sort()
    : [];
  const files = names.map((name) => [`lib/jd/${name}`, readFileSync(join(source, name), 'utf8')]);
  files.push(['launcher.py', readFileSync(launcher, 'utf8')]);
  const hash = createHash('sha256').update(JSON.stringify(files)).digest('hex').slice(0, 16);
  const entries = files.map(([name, text]) => `  ${JSON.stringify(name)}: ${JSON.stringify(text)},\n`).join('');
  const module =
    '// Made by scripts/embed-python.mjs from python/src/jd and src/agent/launcher.py: change them there.\n' +
    `/** Path to text. */\nexport const PYTHON_FILES: Readonly<Record<string, string>> = {\n${entries}};\n\n` +
    `export const PYTHON_HASH = '${hash}';\n`;
  if (existsSync(target) && readFileSync(target, 'utf8') === module) return;
  mkdirSync(dirname(target), { recursive: true });
  writeFileSync(target, module);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) embedPython();
