// Makes the command line of a lease from its template and params. Templates are parsed once.
import type { Params } from '../core/params.ts';
import { parseTemplate, renderTemplate, shellQuote, type TemplateResult } from '../core/template.ts';

const parsed = new Map<string, TemplateResult>();
const KEPT = 1_000;

/**
 * The command for `sh -c`. Templates are checked when jobs are made; should one still not fit, the job gets a command that says
 * so and fails, because one bad job must never stop the queue.
 */
export function leaseCommand(template: string, params: Params): string {
  let result = parsed.get(template);
  if (result === undefined) {
    if (parsed.size >= KEPT) parsed.clear();
    result = parseTemplate(template);
    parsed.set(template, result);
  }
  if ('problem' in result) return failing(result.problem);
  const missing = result.template.names.filter((name) => !Object.hasOwn(params, name));
  return missing.length === 0 ? renderTemplate(result.template, params) : failing(`The job has no param for {${missing.join('}, {')}}.`);
}

function failing(problem: string): string {
  return `printf '%s\\n' ${shellQuote(`Drover cannot run this command. ${problem}`)} >&2; exit 127`;
}
