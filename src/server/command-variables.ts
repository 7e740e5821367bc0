// Finds the variables that new commands use, and freezes them: what changes later does not touch the jobs.
import type { Params } from '../core/params.ts';
import { parseTemplate } from '../core/template.ts';
import { freeze, type FrozenVariables, NO_VARIABLES } from '../core/variables.ts';
import type { Reader } from '../store/store.ts';
import { knownVariables } from '../store/variables.ts';

import { invalid } from './new-jobs.ts';

export interface UnfilledCommand {
  readonly experiment_id: number;
  readonly command: string | null;
  /** Of the jobs that the command is for; those with the same names need to be given once. */
  readonly jobs: readonly Params[];
  /** What was frozen before and stays. */
  readonly frozen?: FrozenVariables;
}

/** The variables of a command, all that its jobs have no param for; refuses when there are none of these names. A command is parsed once for each set of names. */
export async function freezeVariables(
  reader: Pick<Reader, 'sql'>,
  { experiment_id, command, jobs, frozen = NO_VARIABLES }: UnfilledCommand,
): Promise<FrozenVariables> {
  if (command === null) return NO_VARIABLES;
  const parsed = parseTemplate(command);
  if ('problem' in parsed) throw invalid(parsed.problem, 'command');
  const { names } = parsed.template;
  const open = names.filter((name) => jobs.some((params) => !Object.hasOwn(params, name)));
  if (open.length === 0) return NO_VARIABLES;
  const known = new Map([
    ...(await knownVariables(
      reader,
      experiment_id,
      open.filter((name) => !Object.hasOwn(frozen, name)),
    )),
    ...Object.entries(frozen),
  ]);
  refuseUnknown(command, { open, known, jobs });
  const result = freeze(open, known);
  if ('problem' in result) throw invalid(result.problem, 'command');
  return result.variables;
}

function refuseUnknown(
  command: string,
  { open, known, jobs }: { open: readonly string[]; known: ReadonlyMap<string, unknown>; jobs: readonly Params[] },
): void {
  const unknown = open.find((name) => !known.has(name));
  if (unknown === undefined) return;
  // In the words of the first job that lacks it.
  const params = jobs.find((one) => !Object.hasOwn(one, unknown))!;
  const told = parseTemplate(command, new Set([...Object.keys(params), ...known.keys()]));
  if ('problem' in told) throw invalid(told.problem, 'command');
}
