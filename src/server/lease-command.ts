// Makes the command line of a lease from its template, params and variables. Templates are parsed once.
import { LIMITS } from '../core/limits.ts';
import { type Params, utf8Length } from '../core/params.ts';
import { parseTemplate, renderTemplate, shellQuote, type TemplateResult } from '../core/template.ts';
import { type FrozenVariables, secretNames } from '../core/variables.ts';

const parsed = new Map<string, TemplateResult>();
const KEPT = 1_000;

export interface CommandParts {
  readonly template: string;
  readonly params: Params;
  readonly variables: FrozenVariables;
  /** Values of the secrets among the variables; null: it was removed. */
  readonly secrets: Readonly<Record<string, string | null>>;
  /** The agent that asks knows what to do with secrets. */
  readonly takes_secrets: boolean;
}

export interface LeaseCommand {
  /** For `sh -c`. */
  readonly command: string;
  /** What it finds in its environment; left out: nothing. */
  readonly secrets?: Record<string, string>;
  /** It cannot be run: what stands in its place says why and fails, and is no command for a driver. */
  readonly unfit: boolean;
}

/**
 * Commands are checked when jobs are made; should one still not fit, the job gets a command that says so and fails, because one bad
 * job must never stop the queue.
 */
export function leaseCommand({ template, params, variables, secrets, takes_secrets }: CommandParts): LeaseCommand {
  let result = parsed.get(template);
  if (result === undefined) {
    if (parsed.size >= KEPT) parsed.clear();
    result = parseTemplate(template);
    parsed.set(template, result);
  }
  if ('problem' in result) return failing(result.problem);
  const { names } = result.template;
  const missing = names.filter((name) => !Object.hasOwn(params, name) && !Object.hasOwn(variables, name));
  if (missing.length > 0) return failing(`The job has no param or variable for {${missing.join('}, {')}}.`);
  const command = renderTemplate(result.template, params, variables);
  const used = secretNames(variables).filter((name) => names.includes(name) && !Object.hasOwn(params, name));
  if (used.length === 0) return { command, unfit: false };
  const gone = used.filter((name) => typeof secrets[name] !== 'string');
  if (gone.length > 0) {
    return failing(`The secret variable ${gone.join(', ')} is not there any more. Set it again with drover var set ${gone[0]} --secret, then requeue the job.`);
  }
  if (!takes_secrets)
    return failing('It uses secret variables, which the agent of this worker does not know yet. Start its worker again with a newer version.');
  const bytes = used.reduce((sum, name) => sum + utf8Length(secrets[name]!), 0);
  const most = LIMITS.command_variables_bytes.value;
  if (bytes > most) return failing(`Its secrets have ${bytes} bytes together; at most ${most} are allowed. Use fewer of them, or shorter ones.`);
  return { command, unfit: false, secrets: Object.fromEntries(used.map((name) => [name, secrets[name]!])) };
}

function failing(problem: string): LeaseCommand {
  return { command: `printf '%s\\n' ${shellQuote(`Drover cannot run this command. ${problem}`)} >&2; exit 127`, unfit: true };
}
