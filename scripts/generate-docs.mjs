// Writes the generated pages of docs/reference/ from the build. A test fails when they are stale.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { referencePages } from './reference-pages.mjs';
import { setUp } from './setup.mjs';
import { ROOT, main } from './step.mjs';

await main(async () => {
  await setUp();
  const [{ contract, openApiDocument }, { REFUSALS }, { LIMITS }, { createProgram }, { createJ }, words, { commandText }] = await Promise.all([
    import('../dist/contract/index.js'),
    import('../dist/core/refusal.js'),
    import('../dist/core/limits.js'),
    import('../dist/cli/program.js'),
    import('../dist/cli/j/program.js'),
    import('../dist/cli/jd/words.js'),
    import('../dist/cli/jd/help.js'),
  ]);
  const folder = join(ROOT, 'docs/reference');
  mkdirSync(folder, { recursive: true });
  const pages = referencePages({ contract, openApiDocument, REFUSALS, LIMITS, createProgram, createJ, jdWords: { ...words, commandText } });
  for (const [name, text] of Object.entries(pages)) {
    writeFileSync(join(folder, name), text);
    process.stdout.write(`docs/reference/${name}\n`);
  }
});
