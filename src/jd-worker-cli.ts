#!/usr/bin/env node
// The program `jd_worker_cli`: workers of this machine, in the grammar of `key=value`.
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';

import { runJdWorkerCli } from './cli/jd/run.ts';
import { composeProgram, letPipesClose } from './composition.ts';

letPipesClose();
process.exitCode = await runJdWorkerCli(composeProgram(dirname(dirname(fileURLToPath(import.meta.url)))), process.argv.slice(2));
