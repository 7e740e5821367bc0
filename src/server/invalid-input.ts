// Turns what the schema found into one refusal: every field for machines, the first one as a sentence for people.
import type * as z from 'zod';

import { Refusal } from '../core/refusal.ts';

type Issue = z.core.$ZodIssue;

interface Field {
  readonly path: string;
  readonly message: string;
}

const MOST_FIELDS = 50;

export type Place = 'path' | 'query' | 'body';

export function invalidInput(error: z.ZodError, place: Place): Refusal {
  const fields = error.issues.flatMap((issue) => fieldsOf(issue, [])).slice(0, MOST_FIELDS);
  const [first] = fields;
  const where = place === 'body' ? 'body' : place === 'query' ? 'query string' : 'URL path';
  const named = first === undefined || first.path === '' ? `The ${where}` : `${JSON.stringify(first.path)} in the ${where}`;
  const more = fields.length > 1 ? ` (and ${fields.length - 1} more)` : '';
  return new Refusal('invalid_input', `${named}: ${first?.message ?? 'not as it should be.'} Correct it and send the request again${more}.`, { fields });
}

function fieldsOf(issue: Issue, above: readonly PropertyKey[]): Field[] {
  const path = [...above, ...issue.path];
  if (issue.code === 'invalid_union' && issue.errors.length > 0) {
    return closest(issue.errors).flatMap((inner) => fieldsOf(inner, path));
  }
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({ path: pathText([...path, key]), message: 'There is no field of this name.' }));
  }
  return [{ path: pathText(path), message: sentence(issue) }];
}

/** The alternative that the caller most likely meant: the one with the fewest complaints about what is there. */
function closest(alternatives: readonly (readonly Issue[])[]): readonly Issue[] {
  const cost = (issues: readonly Issue[]): number =>
    issues.reduce(
      (sum, issue) => sum + (issue.path.length === 0 && issue.code === 'invalid_type' ? 3 : issue.code === 'unrecognized_keys' ? 1 + issue.keys.length : 1),
      0,
    );
  return alternatives.reduce((best, one) => (cost(one) < cost(best) ? one : best));
}

function sentence(issue: Issue): string {
  if (issue.code === 'invalid_type' && issue.message.endsWith('received undefined')) return 'It is missing.';
  const text = issue.message.replace(/^Invalid input: e/, 'E').replace(/^Invalid input$/, 'It does not have one of the allowed shapes');
  return /[.!?]$/.test(text) ? text : `${text}.`;
}

function pathText(path: readonly PropertyKey[]): string {
  return path.reduce<string>((text, part) => (typeof part === 'number' ? `${text}[${part}]` : text === '' ? String(part) : `${text}.${String(part)}`), '');
}
