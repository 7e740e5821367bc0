#!/usr/bin/env node
// The program `j`: jobs of one experiment, in the words of expjobserver.
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';

import { runJ } from './cli/j/run.ts';
import { composeProgram, letPipesClose } from './composition.ts';

letPipesClose();
process.exitCode = await runJ(composeProgram(dirname(dirname(fileURLToPath(import.meta.url)))), process.argv.slice(2));
