// JSON as text: where it is wrong (line and column, the same in every browser), and its colours.
import { strictJsonProblem } from '../../core/strict-json.ts';

export interface TextPlace {
  readonly line: number;
  readonly column: number;
}

export type JsonReading = { readonly value: unknown } | { readonly problem: string; readonly place: TextPlace };

export function readJson(text: string): JsonReading {
  try {
    const value = JSON.parse(text) as unknown;
    const strict = strictJsonProblem(text);
    if (strict !== null) return { problem: strict.sentence, place: placeOf(text, strict.at) };
    return { value };
  } catch {
    const wrong = firstSyntaxError(text);
    return { problem: wrong.sentence, place: placeOf(text, wrong.at) };
  }
}

export function placeOf(text: string, at: number): TextPlace {
  const before = text.slice(0, at);
  const line = before.split('\n').length;
  return { line, column: at - before.lastIndexOf('\n') };
}

export type TokenKind = 'name' | 'text' | 'number' | 'word' | 'mark' | 'wrong' | 'space';

export interface Token {
  readonly kind: TokenKind;
  readonly text: string;
  readonly at: number;
}

const TOKEN =
  /(\s+)|("(?:[^"\\\n]|\\.)*")|(-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?(?![\w.]))|(true|false|null)(?!\w)|([{}[\],:])|("[^"\n]*|[^\s{}[\],:"]+)/gy;

export function tokens(text: string): Token[] {
  const found: Token[] = [];
  for (const match of text.matchAll(TOKEN)) {
    const [whole, space, string, number, word, mark] = match;
    const kind: TokenKind =
      space !== undefined
        ? 'space'
        : string !== undefined
          ? 'text'
          : number !== undefined
            ? 'number'
            : word !== undefined
              ? 'word'
              : mark !== undefined
                ? 'mark'
                : 'wrong';
    found.push({ kind, text: whole, at: match.index });
  }
  return found.map((token, index) => (token.kind === 'text' && nextMark(found, index) === ':' ? { ...token, kind: 'name' } : token));
}

function nextMark(all: readonly Token[], index: number): string | null {
  const next = all[index + 1]?.kind === 'space' ? all[index + 2] : all[index + 1];
  return next?.text ?? null;
}

/** Walks the tokens as JSON's grammar does and says where it stops. Called only with text that JSON.parse refuses. */
function firstSyntaxError(text: string): { sentence: string; at: number } {
  const all = tokens(text).filter((token) => token.kind !== 'space');
  const end = text.trimEnd().length;
  let at = 0;
  const peek = (): Token | undefined => all[at];
  const fail = (sentence: string, token = peek()): Stop => ({ sentence, at: token?.at ?? end });

  const value = (): Stop | null => {
    const token = peek();
    if (token === undefined) return fail('The text ends where a value should stand.');
    if (token.text === '{') return members();
    if (token.text === '[') return items();
    if (token.kind === 'wrong') return fail(wrongWord(token.text), token);
    if (token.kind === 'mark') return fail(`A value should stand here, not ${token.text}`, token);
    if (token.kind === 'text' || token.kind === 'name') {
      const broken = brokenText(token);
      if (broken !== null) return broken;
    }
    at += 1;
    return null;
  };
  const items = (): Stop | null => list(']', value);
  const members = (): Stop | null =>
    list('}', () => {
      const name = peek();
      if (name === undefined) return fail('The text ends inside an object; a } is missing.');
      if (name.kind !== 'name' && name.kind !== 'text') return fail('A name in double quotes should stand here.', name);
      at += 1;
      if (peek()?.text !== ':') return fail('A colon should follow the name.');
      at += 1;
      return value();
    });
  const list = (close: ']' | '}', member: () => Stop | null): Stop | null => {
    at += 1;
    if (peek()?.text === close) {
      at += 1;
      return null;
    }
    for (;;) {
      const stop = member();
      if (stop !== null) return stop;
      const token = peek();
      at += 1;
      if (token?.text === close) return null;
      if (token?.text !== ',') return fail(token === undefined ? `The text ends; a ${close} is missing.` : `A comma or ${close} should stand here.`, token);
      if (peek()?.text === close) return fail(`The comma before ${close} is one too many.`, token);
    }
  };
  const stop = value();
  if (stop !== null) return stop;
  const rest = peek();
  return rest === undefined ? { sentence: 'This is not JSON.', at: 0 } : fail('The JSON has ended, but more text follows.', rest);
}

interface Stop {
  readonly sentence: string;
  readonly at: number;
}

function wrongWord(text: string): string {
  if (text.startsWith("'")) return 'Use double quotes for text.';
  if (text.startsWith('"')) return 'The closing quote of this text is missing.';
  if (/^(True|False|None)$/.test(text)) return `JSON writes ${text === 'None' ? 'null' : text.toLowerCase()} for ${text}.`;
  if (/^(NaN|-?Infinity)$/.test(text)) return `JSON has no ${text}.`;
  if (/^[+-]?\.?\d/.test(text)) return `${text} is not a number of JSON.`;
  return `${text.slice(0, 30)} is not a value; put text in double quotes.`;
}

function brokenText(token: Token): Stop | null {
  try {
    JSON.parse(token.text);
    return null;
  } catch {
    return { sentence: 'This text has a character or escape that JSON does not allow.', at: token.at };
  }
}
