// Param values: what a job is parameterised by, how text becomes a value and a value becomes text.
import { PARAM_NAME } from './identifiers.ts';
import { LIMITS } from './limits.ts';
import { numberIsKept } from './strict-json.ts';

export type ParamValue = null | boolean | number | string | readonly ParamValue[] | { readonly [name: string]: ParamValue };
export type Params = Readonly<Record<string, ParamValue>>;

/** Says what is wrong with these params in one sentence, or null when a job may have them. */
export function paramsProblem(params: unknown): string | null {
  if (typeof params !== 'object' || params === null || Array.isArray(params)) {
    return 'Params must be an object of name and value, for example {"learning_rate": 0.01}.';
  }
  const entries = Object.entries(params);
  if (entries.length > LIMITS.params_count.value) {
    return `A job has at most ${LIMITS.params_count.value} params; these are ${entries.length}.`;
  }
  for (const [name, value] of entries) {
    const problem = paramNameProblem(name) ?? valueProblem(value, 0);
    if (problem !== null) return `Param ${JSON.stringify(name.slice(0, 80))}: ${problem}`;
  }
  const bytes = utf8Length(JSON.stringify(params));
  if (bytes > LIMITS.params_bytes.value) {
    return `The params of a job take at most ${LIMITS.params_bytes.value} bytes as JSON; these take ${bytes}. Put large values into a file and pass its path.`;
  }
  return null;
}

export function paramNameProblem(name: string): string | null {
  if (PARAM_NAME.test(name) && name !== '__proto__') return null;
  return 'a name begins with a letter or _ and holds letters, digits, _ . and - (at most 128).';
}

function valueProblem(value: unknown, depth: number): string | null {
  if (depth > LIMITS.json_depth.value) return `values are nested deeper than ${LIMITS.json_depth.value} levels.`;
  if (value === null || typeof value === 'boolean' || typeof value === 'string') return textProblem(value);
  if (typeof value === 'number') {
    return Number.isFinite(value) ? null : 'a number must be finite.';
  }
  if (typeof value !== 'object') return 'a value is text, a number, true, false, null, a list or an object.';
  const members: [string, unknown][] = Array.isArray(value) ? value.map((item, index) => [`${index}`, item]) : Object.entries(value);
  for (const [, member] of members) {
    const problem = valueProblem(member, depth + 1);
    if (problem !== null) return problem;
  }
  return null;
}

function textProblem(value: unknown): string | null {
  if (typeof value === 'string' && value.includes('\u0000')) return 'a text cannot hold a NUL character: no program could receive it.';
  return null;
}

export type ParsedValue = { readonly value: ParamValue } | { readonly problem: string };

/**
 * Reads the value of `name=value` on a command line. It is JSON only if it reads and writes back to the same text
 * (`0.1`, `true`, `[1,2]`), else text; numbers that JavaScript would change are refused with advice.
 */
export function parseParamText(text: string): ParsedValue {
  if (looksLikeNumber(text)) {
    const number = Number(text);
    if (!numberIsKept(text)) {
      return { problem: `the number ${text} cannot be kept exactly; put it in quotes to pass it as text: '"${text}"'` };
    }
    return { value: JSON.stringify(number) === text ? number : text };
  }
  try {
    const value = JSON.parse(text) as ParamValue;
    if (JSON.stringify(value) === text) return { value };
  } catch {
    // Not JSON: it is text.
  }
  return { value: text };
}

function looksLikeNumber(text: string): boolean {
  return /^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/.test(text);
}

/** A value as a program's argument, the way Python writes it: `True`, `False`, `None`; lists and objects as JSON. */
export function argumentText(value: ParamValue): string {
  if (value === null) return 'None';
  if (value === true) return 'True';
  if (value === false) return 'False';
  return plainText(value);
}

/** A value as text in a command line or a search: a string as it is, everything else as JSON. */
export function plainText(value: ParamValue): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

export function utf8Length(text: string): number {
  let bytes = 0;
  for (let index = 0; index < text.length; index += 1) {
    const unit = text.charCodeAt(index);
    if (unit < 0x80) bytes += 1;
    else if (unit < 0x800) bytes += 2;
    else if (unit >= 0xd800 && unit <= 0xdbff && isLowSurrogate(text, index + 1)) {
      bytes += 4;
      index += 1;
    } else bytes += 3;
  }
  return bytes;
}

function isLowSurrogate(text: string, index: number): boolean {
  const unit = text.charCodeAt(index);
  return unit >= 0xdc00 && unit <= 0xdfff;
}
