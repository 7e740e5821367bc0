// What JSON.parse forgives and a researcher would not: a name given twice (the first value silently lost) and a number
// that a double cannot hold. Run on bodies and files that create jobs.
import { LIMITS } from './limits.ts';

export interface JsonProblem {
  readonly path: string;
  readonly sentence: string;
  /** Position in the text, from 0. */
  readonly at: number;
}

/** The first such problem in a text that JSON.parse accepts, or null. */
export function strictJsonProblem(text: string): JsonProblem | null {
  const scanner = { text, at: 0, depth: 0 };
  return scanValue(scanner, '');
}

interface Scanner {
  readonly text: string;
  at: number;
  depth: number;
}

/** What stands around a param value in a body or file adds a few levels. */
const DEEPEST = LIMITS.json_depth.value + 8;

function scanValue(scanner: Scanner, path: string): JsonProblem | null {
  skipSpace(scanner);
  const character = scanner.text[scanner.at];
  if (character === '{' || character === '[') {
    if (scanner.depth >= DEEPEST) return { path, sentence: `Lists and objects are nested deeper than ${DEEPEST} levels.`, at: scanner.at };
    scanner.depth += 1;
    const problem = character === '{' ? scanObject(scanner, path) : scanList(scanner, path);
    scanner.depth -= 1;
    return problem;
  }
  if (character === '"') {
    scanString(scanner);
    return null;
  }
  return scanScalar(scanner, path);
}

function scanObject(scanner: Scanner, path: string): JsonProblem | null {
  const names = new Set<string>();
  scanner.at += 1;
  for (;;) {
    skipSpace(scanner);
    if (scanner.text[scanner.at] !== '"') {
      scanner.at += 1;
      return null;
    }
    const at = scanner.at;
    const name = JSON.parse(scanString(scanner)) as string;
    const here = path === '' ? name : `${path}.${name}`;
    if (names.has(name)) {
      return { path: here, sentence: `The name ${JSON.stringify(name)} is given twice in one object; only one of its values could be kept.`, at };
    }
    names.add(name);
    skipSpace(scanner);
    scanner.at += 1;
    const problem = scanValue(scanner, here);
    if (problem !== null) return problem;
    skipSpace(scanner);
    if (scanner.text[scanner.at] === ',') scanner.at += 1;
  }
}

function scanList(scanner: Scanner, path: string): JsonProblem | null {
  scanner.at += 1;
  for (let index = 0; ; index += 1) {
    skipSpace(scanner);
    if (scanner.text[scanner.at] === ']' || scanner.at >= scanner.text.length) {
      scanner.at += 1;
      return null;
    }
    const problem = scanValue(scanner, `${path}[${index}]`);
    if (problem !== null) return problem;
    skipSpace(scanner);
    if (scanner.text[scanner.at] === ',') scanner.at += 1;
  }
}

function scanString(scanner: Scanner): string {
  const start = scanner.at;
  scanner.at += 1;
  while (scanner.at < scanner.text.length && scanner.text[scanner.at] !== '"') {
    scanner.at += scanner.text[scanner.at] === '\\' ? 2 : 1;
  }
  scanner.at += 1;
  return scanner.text.slice(start, scanner.at);
}

function scanScalar(scanner: Scanner, path: string): JsonProblem | null {
  const start = scanner.at;
  while (scanner.at < scanner.text.length && !/[,\]}\s]/.test(scanner.text[scanner.at]!)) scanner.at += 1;
  const token = scanner.text.slice(start, scanner.at);
  if (scanner.at === start) scanner.at += 1;
  if (!/^-?\d/.test(token) || numberIsKept(token)) return null;
  return { path, sentence: `The number ${token} cannot be kept exactly; put it in quotes to pass it as text.`, at: start };
}

/** Whether the double nearest to this decimal, written with as many digits, is the same decimal. */
export function numberIsKept(token: string): boolean {
  const number = Number(token);
  return Number.isFinite(number) && normalDecimal(token) === normalDecimal(`${number}`);
}

/** A canonical form `digits e exponent` of a decimal, so that 0.10 and 1e-1 are equal. */
function normalDecimal(text: string): string {
  const match = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(text);
  if (match === null) return text;
  const fraction = match[3] ?? '';
  let exponent = Number(match[4] ?? 0) - fraction.length;
  let digits = `${match[2]}${fraction}`.replace(/^0+/, '');
  while (digits.endsWith('0')) {
    digits = digits.slice(0, -1);
    exponent += 1;
  }
  return digits === '' ? '0' : `${match[1]}${digits}e${exponent}`;
}

function skipSpace(scanner: Scanner): void {
  while (scanner.at < scanner.text.length && /\s/.test(scanner.text[scanner.at]!)) scanner.at += 1;
}
