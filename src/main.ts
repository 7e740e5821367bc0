#!/usr/bin/env node
// The program `drover`.
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';

import { run } from './cli/run.ts';
import { composeProgram, letPipesClose } from './composition.ts';

letPipesClose();
process.exitCode = await run(composeProgram(dirname(dirname(fileURLToPath(import.meta.url)))), process.argv.slice(2));
