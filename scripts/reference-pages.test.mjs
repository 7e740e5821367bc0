import { existsSync, readFileSync } from 'node:fs';

import { expect, test } from 'vitest';

import { commandText } from '../src/cli/jd/help.ts';
import * as jdWords from '../src/cli/jd/words.ts';
import { createJ } from '../src/cli/j/program.ts';
import { createProgram } from '../src/cli/program.ts';
import { contract, openApiDocument } from '../src/contract/index.ts';
import { LIMITS } from '../src/core/limits.ts';
import { REFUSALS } from '../src/core/refusal.ts';
import { referencePages } from './reference-pages.mjs';

const pages = referencePages({ contract, openApiDocument, REFUSALS, LIMITS, createProgram, createJ, jdWords: { ...jdWords, commandText } });

test.each(Object.entries(pages))('docs/reference/%s is what `npm run docs` writes', (name, text) => {
  const file = new URL(`../docs/reference/${name}`, import.meta.url);
  expect(existsSync(file) ? readFileSync(file, 'utf8') : '').toBe(text);
});

test('every refusal, limit and endpoint has its place', () => {
  for (const code of Object.keys(REFUSALS)) expect(pages['errors.md']).toContain(`### ${code}\n`);
  for (const name of [...Object.keys(jdWords.ARGUMENTS), ...Object.keys(jdWords.COMMANDS)]) expect(pages['jd-worker-cli.md']).toContain(name);
  for (const name of Object.keys(LIMITS)) expect(pages['limits.md']).toContain(`| \`${name}\` |`);
  for (const { method, path } of Object.values(contract).flatMap((group) => Object.values(group))) {
    expect(pages['api.md']).toContain(`### ${method} ${path.replace(/:([a-z_]+)/g, '{$1}')}\n`);
  }
});

test('nothing shows how it was made', () => {
  for (const text of Object.values(pages)) expect(text).not.toMatch(/undefined|\[object Object\]|NaN/);
});

test('links between the pages lead to headings that are there', () => {
  for (const [from, text] of Object.entries(pages)) {
    for (const [, page, heading] of text.matchAll(/\]\(([a-z]+\.md)?#([a-z0-9_-]+)\)/g)) {
      const headings = [...pages[page ?? from].matchAll(/^#+ (.+)$/gm)].map((match) => match[1].toLowerCase().replaceAll(' ', '-'));
      expect(headings, `${from} → #${heading}`).toContain(heading);
    }
  }
});
