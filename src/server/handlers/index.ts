// All handlers, in the shape of the contract table.
import type { Handlers } from '../context.ts';

import { accessHandlers } from './access.ts';
import { agentHandlers } from './agents.ts';
import { chartHandlers } from './charts.ts';
import { compareHandlers } from './compare.ts';
import { experimentHandlers } from './experiments.ts';
import { jobHandlers } from './jobs.ts';
import { keyHandlers } from './keys.ts';
import { machineHandlers } from './machines.ts';
import { matrixHandlers } from './matrices.ts';
import { resultHandlers } from './results.ts';
import { serverHandlers } from './server.ts';
import { variableHandlers } from './variables.ts';
import { viewHandlers } from './views.ts';
import { workerHandlers } from './workers.ts';

export function allHandlers(): Handlers {
  return {
    experiments: experimentHandlers,
    jobs: jobHandlers,
    matrices: matrixHandlers,
    results: resultHandlers,
    charts: chartHandlers,
    compare: compareHandlers,
    variables: variableHandlers,
    views: viewHandlers,
    workers: workerHandlers,
    machines: machineHandlers,
    agents: agentHandlers,
    keys: keyHandlers,
    access: accessHandlers,
    server: serverHandlers,
  };
}
