// Param values as people type them in a field, and back. What is written here is always read back as the same value.
import { splitOutsideQuotes } from '../../core/matrix.ts';
import { parseParamText, plainText, type ParamValue } from '../../core/params.ts';

export type ReadValues = { readonly values: readonly ParamValue[] } | { readonly problem: string };

/** The shortest text that reads back as this value; a text that looks like something else is put in quotes. */
export function valueText(value: ParamValue): string {
  const text = plainText(value);
  if (typeof value !== 'string') return text;
  const read = parseParamText(text);
  return 'value' in read && read.value === value && text.trim() === text && text !== '' ? text : JSON.stringify(value);
}

/** Characters that mean something where values are split at commas. */
const SPLITS = /[,"[\]{}]/;

/** Like `valueText`, for a field where commas separate. */
export function listText(values: readonly ParamValue[]): string {
  return values.map((value) => (typeof value === 'string' && SPLITS.test(value) ? JSON.stringify(value) : valueText(value))).join(', ');
}

/** Reads `0.1, 0.01, "a, b"`. */
export function readList(text: string): ReadValues {
  const values: ParamValue[] = [];
  if (text.trim() === '') return { problem: 'Give at least one value.' };
  for (const part of splitOutsideQuotes(text)) {
    const word = part.trim();
    if (word === '') return { problem: 'There is an empty place between two commas; write "" for an empty text.' };
    const read = parseParamText(word);
    if ('problem' in read) return { problem: read.problem };
    values.push(read.value);
  }
  return { values };
}
