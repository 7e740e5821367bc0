// The table itself: every endpoint of Drover's HTTP API.
import { access } from './endpoints/access.ts';
import { agents } from './endpoints/agents.ts';
import { charts } from './endpoints/charts.ts';
import { compare } from './endpoints/compare.ts';
import { experiments } from './endpoints/experiments.ts';
import { jobs } from './endpoints/jobs.ts';
import { keys } from './endpoints/keys.ts';
import { machines } from './endpoints/machines.ts';
import { matrices } from './endpoints/matrices.ts';
import { results } from './endpoints/results.ts';
import { server } from './endpoints/server.ts';
import { variables } from './endpoints/variables.ts';
import { views } from './endpoints/views.ts';
import { workers } from './endpoints/workers.ts';

export const API_ROOT = '/api/v1';

export const contract = { experiments, jobs, matrices, results, charts, compare, variables, views, workers, machines, agents, keys, access, server } as const;

export type Contract = typeof contract;
