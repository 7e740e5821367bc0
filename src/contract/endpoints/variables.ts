// Variables of an experiment, and those that all experiments share. Values of secrets go in and never come out.
import * as z from 'zod';

import { variableNameProblem, variableValueProblem } from '../../core/variables.ts';
import { endpoint } from '../endpoint.ts';
import { ExperimentParams, Moment } from '../schemas.ts';

const PATH = '/experiments/:experiment/variables';
const SHARED_PATH = '/variables';

export const VariableName = z.string().superRefine((name, context) => {
  const problem = variableNameProblem(name);
  if (problem !== null) context.addIssue({ code: 'custom', message: problem });
});

const NewValue = z
  .strictObject({
    value: z.string(),
    secret: z.boolean().default(false).describe('commands get it in their environment; it is never shown, listed or logged'),
  })
  .superRefine(({ value, secret }, context) => {
    const problem = variableValueProblem(value, secret);
    if (problem !== null) context.addIssue({ code: 'custom', message: problem, path: ['value'] });
  });

const Variable = z.object({
  name: z.string(),
  shared: z.boolean().describe('of all experiments; one of the same name of the experiment itself comes before it'),
  secret: z.boolean(),
  value: z.string().nullable().describe('null: a secret'),
  updated_at: Moment,
});

const NameParams = z.object({ name: VariableName });
const OwnNameParams = ExperimentParams.extend({ name: VariableName });
const Removed = z.object({ removed: z.literal(true) });

const params = { experiment: 'digits-tune' };
const plain = { name: 'DATA', shared: false, secret: false, value: '/data/digits', updated_at: '2026-11-21T08:30:00.000Z' };
const hidden = { name: 'TOKEN', shared: true, secret: true, value: null, updated_at: '2026-11-21T08:31:00.000Z' };

export const variables = {
  list: endpoint({
    method: 'GET',
    path: PATH,
    summary: 'The variables that commands of an experiment can use, by name: its own and the shared ones',
    access: 'viewer',
    params: ExperimentParams,
    reply: z.object({ variables: z.array(Variable) }),
    errors: ['experiment_not_found'],
    example: { params, reply: { variables: [plain, hidden] } },
  }),
  set: endpoint({
    method: 'PUT',
    path: `${PATH}/:name`,
    summary: 'Set a variable of an experiment; jobs that exist keep the value that they were made with',
    description:
      'Secrets, and plain variables in the place of a secret, need the role owner. A job that uses a secret gets at its start what the secret is then.',
    access: 'commands',
    params: OwnNameParams,
    body: NewValue,
    reply: Variable,
    errors: ['experiment_not_found', 'too_many'],
    example: { params: { ...params, name: 'DATA' }, body: { value: '/data/digits' }, reply: plain },
  }),
  remove: endpoint({
    method: 'DELETE',
    path: `${PATH}/:name`,
    summary: 'Remove a variable of an experiment; a secret needs the role owner, and jobs that use it fail at their next start',
    access: 'commands',
    params: OwnNameParams,
    reply: Removed,
    errors: ['experiment_not_found', 'not_found'],
    example: { params: { ...params, name: 'DATA' }, reply: { removed: true } },
  }),
  listShared: endpoint({
    method: 'GET',
    path: SHARED_PATH,
    summary: 'The variables that all experiments share',
    access: 'admin',
    reply: z.object({ variables: z.array(Variable) }),
    example: { reply: { variables: [hidden] } },
  }),
  setShared: endpoint({
    method: 'PUT',
    path: `${SHARED_PATH}/:name`,
    summary: 'Set a variable for the commands of all experiments',
    access: 'admin',
    params: NameParams,
    body: NewValue,
    reply: Variable,
    errors: ['too_many'],
    example: { params: { name: 'TOKEN' }, body: { value: 'ghp_…', secret: true }, reply: hidden },
  }),
  removeShared: endpoint({
    method: 'DELETE',
    path: `${SHARED_PATH}/:name`,
    summary: 'Remove a variable that all experiments share',
    access: 'admin',
    params: NameParams,
    reply: Removed,
    errors: ['not_found'],
    example: { params: { name: 'TOKEN' }, reply: { removed: true } },
  }),
};

export type VariableShape = z.output<typeof Variable>;
