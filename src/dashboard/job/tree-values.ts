// Files that hold values within values, read into what the tree shows. Numbers are shown as they are written, however many digits they have.

/** A number that JavaScript would change, as it is written. */
export class ExactNumber {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

export type TreeRead = { readonly value: unknown } | { readonly problem: string };

interface Source {
  readonly source?: string;
}

export function readJson(text: string): TreeRead {
  try {
    const keep = (_name: string, value: unknown, context?: Source): unknown =>
      typeof value === 'number' && context?.source !== undefined && !isSame(value, context.source) ? new ExactNumber(context.source) : value;
    return { value: JSON.parse(text, keep) as unknown };
  } catch (error) {
    return { problem: `This is not JSON: ${error instanceof Error ? error.message : String(error)}` };
  }
}

function isSame(value: number, source: string): boolean {
  return String(value) === source || (!/^-?\d{16,}$/.test(source) && Number.isFinite(value));
}

/** Aliases make a small file large: more of them than this are refused. */
const MOST_ALIASES = 100;

/** One document is itself, several are a list. */
export async function readYaml(text: string): Promise<TreeRead> {
  const { parseAllDocuments } = await import('yaml');
  try {
    const documents = [...parseAllDocuments(text, { intAsBigInt: true, logLevel: 'silent', prettyErrors: true })];
    const problem = documents.flatMap((document) => document.errors)[0];
    if (problem !== undefined) return { problem: `This is not YAML: ${problem.message.split('\n')[0]!}` };
    const values = documents.map((document) => document.toJS({ maxAliasCount: MOST_ALIASES }) as unknown);
    return { value: values.length === 1 ? values[0] : values };
  } catch (error) {
    return { problem: `This YAML cannot be shown as a tree: ${error instanceof Error ? error.message : String(error)}` };
  }
}

export interface Branch {
  readonly isList: boolean;
  readonly entries: readonly (readonly [string, unknown])[];
}

/** What a value holds; null when it is a leaf. */
export function branchOf(value: unknown): Branch | null {
  if (Array.isArray(value)) return { isList: true, entries: value.map((each, index) => [String(index), each]) };
  if (typeof value !== 'object' || value === null || value instanceof ExactNumber || value instanceof Date) return null;
  return { isList: false, entries: Object.entries(value) };
}

export type LeafKind = 'text' | 'number' | 'boolean' | 'null';

export function leafText(value: unknown): { readonly kind: LeafKind; readonly text: string } {
  if (value === null || value === undefined) return { kind: 'null', text: 'null' };
  if (value instanceof ExactNumber) return { kind: 'number', text: value.text };
  if (typeof value === 'number' || typeof value === 'bigint') return { kind: 'number', text: String(value) };
  if (typeof value === 'boolean') return { kind: 'boolean', text: String(value) };
  if (value instanceof Date) return { kind: 'text', text: value.toISOString() };
  return { kind: 'text', text: JSON.stringify(value) };
}
