// Every guard that the self-check switches off is still where it was: a change of the product must not silently take one out of the check.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { expect, it } from 'vitest';

import { ROOT } from '../step.mjs';
import { MUTANTS } from './mutants.mjs';

it.each(MUTANTS.map(({ name, edits }) => [name, edits]))('%s is found once', (_name, edits) => {
  for (const { file, find } of edits) expect(readFileSync(join(ROOT, file), 'utf8').split(find), file).toHaveLength(2);
});
