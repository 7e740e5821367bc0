// What the dialog to add jobs holds, and what it amounts to. Form and JSON are two views of one draft.
import type { CreatedJobs } from '../../contract/endpoints/jobs.ts';
import { combinationAt, readMatrix, type Matrix } from '../../core/matrix.ts';
import { paramsProblem, plainText, type Params, type ParamValue } from '../../core/params.ts';
import { readJson, type TextPlace } from './json-text.ts';
import { listText, readList } from './value-text.ts';

export interface FormRow {
  readonly id: number;
  readonly name: string;
  readonly values: string;
}

export const SAMPLE_SIZE = 5;

/** What the draft would create, or what is wrong with it. */
export type Plan =
  | { readonly kind: 'empty' }
  | { readonly kind: 'problem'; readonly sentence: string; readonly place: TextPlace | null; readonly row: number | null }
  | {
      readonly kind: 'matrix';
      readonly matrix: Matrix;
      readonly spec: Record<string, readonly ParamValue[]>;
      readonly size: number;
      readonly sample: readonly Params[];
    }
  | { readonly kind: 'list'; readonly jobs: readonly Params[]; readonly size: number; readonly sample: readonly Params[] };

export type CreatedShape = ReturnType<(typeof CreatedJobs)['parse']>;

export function planOfRows(rows: readonly FormRow[]): Plan {
  const spec: Record<string, readonly ParamValue[]> = Object.create(null) as Record<string, readonly ParamValue[]>;
  let any = false;
  for (const row of rows) {
    const name = row.name.trim();
    if (name === '' && row.values.trim() === '') continue;
    any = true;
    if (name === '') return problem('This row has values but no name.', row.id);
    if (Object.hasOwn(spec, name)) return problem(`${name} stands in two rows; give all its values in one.`, row.id);
    const read = readList(row.values);
    if ('problem' in read) return problem(`${name}: ${read.problem}`, row.id);
    spec[name] = read.values;
  }
  return any ? planOfMatrix({ ...spec }) : { kind: 'empty' };
}

export function planOfText(text: string): Plan {
  if (text.trim() === '') return { kind: 'empty' };
  const read = readJson(text);
  if ('problem' in read) return { kind: 'problem', sentence: read.problem, place: read.place, row: null };
  return Array.isArray(read.value) ? planOfList(read.value) : planOfMatrix(read.value);
}

function planOfMatrix(spec: unknown): Plan {
  const read = readMatrix(spec);
  if ('problem' in read) return problem(read.problem, null);
  const sample = Array.from({ length: Math.min(SAMPLE_SIZE, read.size) }, (_, index) => combinationAt(read.matrix, index));
  return { kind: 'matrix', matrix: read.matrix, spec: spec as Record<string, readonly ParamValue[]>, size: read.size, sample };
}

function planOfList(list: readonly unknown[]): Plan {
  if (list.length === 0) return problem('The list is empty.', null);
  for (const [index, params] of list.entries()) {
    const wrong = paramsProblem(params);
    if (wrong !== null) return problem(`Job ${index + 1} of the list: ${wrong}`, null);
  }
  const jobs = list as readonly Params[];
  return { kind: 'list', jobs, size: jobs.length, sample: jobs.slice(0, SAMPLE_SIZE) };
}

function problem(sentence: string, row: number | null): Plan {
  return { kind: 'problem', sentence, place: null, row };
}

/** `Line 3, column 15: A comma or ] should stand here.` */
export function problemText({ place, sentence }: { readonly place: TextPlace | null; readonly sentence: string }): string {
  return place === null ? sentence : `Line ${place.line}, column ${place.column}: ${sentence}`;
}

/** One line per param, as a person would write it. */
export function textOfMatrix(matrix: Matrix): string {
  const lines = matrix.map((axis) => `  ${JSON.stringify(axis.name)}: [${axis.values.map((value) => JSON.stringify(value)).join(', ')}]`);
  return `{\n${lines.join(',\n')}\n}`;
}

export function rowsOfMatrix(matrix: Matrix, nextId: () => number): FormRow[] {
  return matrix.map((axis) => ({ id: nextId(), name: axis.name, values: listText(axis.values) }));
}

/** `3 × 3 × 3`. */
export function factorsOf(plan: Plan): string | null {
  return plan.kind === 'matrix' && plan.matrix.length > 1 ? plan.matrix.map((axis) => axis.values.length).join(' × ') : null;
}

export function paramsLine(params: Params): string {
  return Object.entries(params)
    .map(([name, value]) => `${name}=${plainText(value)}`)
    .join('  ');
}
