// `npm start`: sets up, then runs `drover up --example digits` in this very process, so that signals and the exit status are its own.
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

import { setUp } from './setup.mjs';
import { ROOT, main } from './step.mjs';

await main(async () => {
  await setUp();
  const program = join(ROOT, 'dist/main.js');
  process.argv = [process.execPath, program, 'up', '--example', 'digits', ...process.argv.slice(2)];
  await import(pathToFileURL(program).href);
});
