// A matrix: name → list of values. It expands to one job per combination, in an order that anyone can predict:
// names in the order given, the last name varying fastest. Its size is known without expanding it.
import { LIMITS } from './limits.ts';
import { paramNameProblem, parseParamText, paramsProblem, type ParamValue, type Params } from './params.ts';

export interface Axis {
  readonly name: string;
  readonly values: readonly ParamValue[];
}

/** Ordered axes with unique, valid names and at least one value each. */
export type Matrix = readonly Axis[];

export type MatrixResult = { readonly matrix: Matrix; readonly size: number } | { readonly problem: string };

/** Reads `{"lr": [0.1, 0.01], "units": [8, 16]}`; says what is wrong in one sentence when it is not a matrix. */
export function readMatrix(input: unknown): MatrixResult {
  if (typeof input !== 'object' || input === null || Array.isArray(input)) {
    return { problem: 'A matrix is an object of name and list, for example {"learning_rate": [0.1, 0.01]}.' };
  }
  const axes: Axis[] = [];
  for (const [name, values] of Object.entries(input)) {
    const problem = axisProblem(name, values);
    if (problem !== null) return { problem: `Matrix param ${JSON.stringify(name.slice(0, 80))}: ${problem}` };
    axes.push({ name, values: values as ParamValue[] });
  }
  if (axes.length === 0) return { problem: 'A matrix needs at least one param with at least one value.' };
  if (axes.length > LIMITS.matrix_names.value) {
    return { problem: `A matrix has at most ${LIMITS.matrix_names.value} params; this one has ${axes.length}.` };
  }
  const size = matrixSize(axes);
  if (size > LIMITS.matrix_jobs.value) {
    return {
      problem: `This matrix has ${size.toLocaleString('en-US')} combinations (${axes.map((axis) => axis.values.length).join(' × ')}); at most ${LIMITS.matrix_jobs.value.toLocaleString('en-US')} can be created at once. Split it or leave out values.`,
    };
  }
  return { matrix: axes, size };
}

function axisProblem(name: string, values: unknown): string | null {
  const nameProblem = paramNameProblem(name);
  if (nameProblem !== null) return nameProblem;
  if (!Array.isArray(values)) return 'its values must be a list; write [value] for a single one.';
  if (values.length === 0) return 'its list of values is empty, so there would be no job at all.';
  if (values.length > LIMITS.matrix_values.value) return `it has ${values.length} values; at most ${LIMITS.matrix_values.value} are allowed.`;
  for (const value of values) {
    const problem = paramsProblem({ [name]: value as unknown });
    if (problem !== null) return problem;
  }
  return null;
}

export function matrixSize(matrix: Matrix): number {
  return matrix.reduce((size, axis) => size * axis.values.length, 1);
}

/** What is allowed and still mostly a slip: an empty value, and the same value twice. One sentence each. */
export function matrixOddities(matrix: Matrix): string[] {
  return matrix.flatMap(({ name, values }) => {
    const texts = values.map((value) => JSON.stringify(value));
    const twice = [...new Set(texts.filter((text, index) => texts.indexOf(text) !== index))];
    return [
      ...(values.includes('') ? [`${name} has an empty value; it makes jobs too.`] : []),
      ...(twice.length === 0 ? [] : [`${name} has ${twice.slice(0, 5).join(', ')} more than once; each makes jobs of its own.`]),
    ];
  });
}

/** The combination at `index`, 0 ≤ index < matrixSize(matrix). */
export function combinationAt(matrix: Matrix, index: number): Params {
  const params: Record<string, ParamValue> = {};
  let rest = index;
  const chosen: ParamValue[] = [];
  for (let position = matrix.length - 1; position >= 0; position -= 1) {
    const values = matrix[position]!.values;
    chosen[position] = values[rest % values.length]!;
    rest = Math.floor(rest / values.length);
  }
  matrix.forEach((axis, position) => {
    params[axis.name] = chosen[position]!;
  });
  return params;
}

/** Combinations `from` (included) to `to` (excluded). */
export function* combinations(matrix: Matrix, from = 0, to = matrixSize(matrix)): Generator<Params> {
  for (let index = from; index < to; index += 1) yield combinationAt(matrix, index);
}

/** Reads the words `lr=0.1,0.01 units=8,16` of a command line. A list in JSON (`lr=[0.1,"a,b"]`) is taken as it is. */
export function readMatrixWords(words: readonly string[]): { input: Record<string, ParamValue[]> } | { problem: string } {
  const input: Record<string, ParamValue[]> = {};
  for (const word of words) {
    const split = word.indexOf('=');
    if (split < 1) return { problem: `${JSON.stringify(word)} is not name=value,value.` };
    const name = word.slice(0, split);
    if (Object.hasOwn(input, name)) return { problem: `Param ${JSON.stringify(name)} is given twice; list all its values once: ${name}=a,b` };
    const values = readValues(word.slice(split + 1));
    if ('problem' in values) return { problem: `Param ${JSON.stringify(name)}: ${values.problem}` };
    input[name] = values.values;
  }
  return { input };
}

function readValues(text: string): { values: ParamValue[] } | { problem: string } {
  if (text.startsWith('[')) {
    try {
      const list = JSON.parse(text) as unknown;
      if (Array.isArray(list)) return { values: list as ParamValue[] };
    } catch {
      return { problem: 'it begins with [ but is not a JSON list.' };
    }
  }
  if (text === '') return { problem: 'it has no value.' };
  const values: ParamValue[] = [];
  for (const part of splitOutsideQuotes(text)) {
    const parsed = parseParamText(part);
    if ('problem' in parsed) return parsed;
    values.push(parsed.value);
  }
  return { values };
}

/** Splits at commas that stand outside JSON strings, lists and objects. */
export function splitOutsideQuotes(text: string): string[] {
  const parts: string[] = [];
  let start = 0;
  let depth = 0;
  let quoted = false;
  for (let index = 0; index < text.length; index += 1) {
    const character = text[index]!;
    if (quoted) {
      if (character === '\\') index += 1;
      else if (character === '"') quoted = false;
    } else if (character === '"') quoted = true;
    else if (character === '[' || character === '{') depth += 1;
    else if (character === ']' || character === '}') depth -= 1;
    else if (character === ',' && depth <= 0) {
      parts.push(text.slice(start, index));
      start = index + 1;
    }
  }
  parts.push(text.slice(start));
  return quoted || depth !== 0 ? text.split(',') : parts;
}
