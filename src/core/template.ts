// Command templates: `python train.py --lr {lr}`. A placeholder is `{name}` not after `$`; `{{` and `}}` stand for braces.
// A value is escaped for the place it stands in (bare, '…' or "…"), so whatever it holds, the shell sees one piece of text. A secret never becomes
// text: the shell takes it from its environment.
// Where no escaping is safe (backticks, $(…), ${…}, ((…)), comments) a placeholder is refused, and so is every one after a
// construct that shells read differently from one another (here-documents, $'…', quotes inside "${…}", case inside $(…)).
import { LIMITS } from './limits.ts';
import { plainText, type Params } from './params.ts';
import { type FrozenVariables, NO_VARIABLES, secretVariable, variableNameProblem } from './variables.ts';

type Context = 'bare' | 'single' | 'double';

type Segment = { readonly text: string } | { readonly name: string; readonly context: Context };

export interface Template {
  readonly segments: readonly Segment[];
  /** Names of the placeholders, each once, in order of appearance. */
  readonly names: readonly string[];
}

/** Filled in at the start of each attempt with the machine on which it runs, or on which it acts; a param of this name wins. */
export const MACHINE_PLACEHOLDER = 'MACHINE';

export type TemplateResult = { readonly template: Template } | { readonly problem: string };

/** Parses a template; `known` are the names it may use. */
export function parseTemplate(text: string, known?: ReadonlySet<string>): TemplateResult {
  if (text.trim() === '') return { problem: 'The command is empty.' };
  if (text.length > LIMITS.command_characters.value) {
    return { problem: `The command has ${text.length} characters; at most ${LIMITS.command_characters.value} are allowed.` };
  }
  if (text.includes('\u0000')) return { problem: 'The command holds a NUL character.' };
  const parser = new TemplateParser(text);
  const problem = parser.run();
  if (problem !== null) return { problem };
  const template = parser.template();
  const unknown = known === undefined ? [] : template.names.filter((name) => !known.has(name) && name !== MACHINE_PLACEHOLDER);
  if (unknown.length > 0) return { problem: unknownNames(unknown, known!) };
  return { template };
}

function unknownNames(unknown: readonly string[], known: ReadonlySet<string>): string {
  const list = unknown.map((name) => `{${name}}`).join(', ');
  const have = known.size === 0 ? 'there are no params' : `known names are ${[...known].slice(0, 20).join(', ')}`;
  const settable = unknown.find((name) => variableNameProblem(name) === null);
  const variable = settable === undefined ? '' : ` To use a variable, set it first: drover var set ${settable}.`;
  return `The command uses ${list}, but ${have}.${variable} Write {{${unknown[0]}}} if braces are meant.`;
}

/** The command line for `sh -c`. Every placeholder must have a value in `params`, which win, or in `variables`. */
export function renderTemplate(template: Template, params: Params, variables: FrozenVariables = NO_VARIABLES): string {
  return template.segments.map((segment) => ('text' in segment ? segment.text : fillIn(segment, params, variables))).join('');
}

function fillIn({ name, context }: { readonly name: string; readonly context: Context }, params: Params, variables: FrozenVariables): string {
  if (Object.hasOwn(params, name)) return escapeFor(context, plainText(params[name]!));
  const value = variables[name] as string | null;
  return value === null ? secretReference(context, name) : escapeFor(context, value);
}

/** Where the shell itself puts the secret in, as one piece of text. */
function secretReference(context: Context, name: string): string {
  const reference = `\${${secretVariable(name)}}`;
  switch (context) {
    case 'bare':
      return `"${reference}"`;
    case 'single':
      // Nothing is filled in there: the quotes end, and go on after it.
      return `'"${reference}"'`;
    case 'double':
      return reference;
  }
}

/** Words typed after `--`: one is the template as typed; of several each is quoted, then joined. */
export function commandFromWords(words: readonly string[]): string {
  return words.length === 1 ? words[0]! : words.map(shellQuote).join(' ');
}

/** Words that mean something to a shell where a command begins. */
const KEYWORDS = new Set('! case coproc do done elif else esac fi for function if in select then time until while'.split(' '));

/** One word for a POSIX shell. */
export function shellQuote(text: string): string {
  const plain = /^[A-Za-z0-9_/:=.,@%+-]+$/.test(text) && !/^[A-Za-z_][A-Za-z0-9_]*\+?=/.test(text) && !KEYWORDS.has(text);
  return plain ? text : quoted(text);
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

function escapeFor(context: Context, value: string): string {
  switch (context) {
    case 'bare':
      // Always quoted: unquoted, `2` before `>` is a file descriptor, `if` a keyword and `A=1` an assignment.
      return quoted(value);
    case 'single':
      return value.replaceAll("'", `'\\''`);
    case 'double':
      return value.replace(/[\\"$`]/g, '\\$&');
  }
}

const PLACEHOLDER = /\{([A-Za-z_][A-Za-z0-9_.-]{0,127})\}/y;

/** An open construct in which a placeholder is refused. */
interface Level {
  readonly close: string;
  readonly name: string;
  /** Context in which its own text begins; only there does `close` end it. */
  readonly inner: Context;
  readonly outer: Context;
  /** Quotes mean nothing inside. */
  readonly raw: boolean;
}

/** Walks the text once, keeping just enough of the shell's state to know how a value must be escaped at each point. */
class TemplateParser {
  readonly #text: string;
  readonly #segments: Segment[] = [];
  #literal = '';
  #at = 0;
  #context: Context = 'bare';
  /** Innermost last. */
  readonly #levels: Level[] = [];
  /** A construct after which the context is not known for certain: no placeholder may follow it. */
  #lost: string | null = null;
  /** Whether a word may begin here, so that `#` would begin a comment. */
  #wordStart = true;

  constructor(text: string) {
    this.#text = text;
  }

  template(): Template {
    const names = this.#segments.flatMap((segment) => ('name' in segment ? [segment.name] : []));
    return { segments: this.#segments, names: [...new Set(names)] };
  }

  run(): string | null {
    while (this.#at < this.#text.length) {
      const problem = this.#step();
      if (problem !== null) return problem;
    }
    if (this.#context !== 'bare' && this.#lost === null) return 'The command has a quote that is never closed.';
    this.#flush();
    return null;
  }

  #step(): string | null {
    const text = this.#text;
    if (text.startsWith('{{', this.#at) || text.startsWith('}}', this.#at)) {
      this.#literal += text[this.#at]!;
      this.#at += 2;
      this.#wordStart = false;
      return null;
    }
    PLACEHOLDER.lastIndex = this.#at;
    const match = text[this.#at - 1] === '$' ? null : PLACEHOLDER.exec(text);
    if (match !== null) return this.#placeholder(match[1]!);
    this.#shell();
    return null;
  }

  #placeholder(name: string): string | null {
    const inside = this.#levels.at(-1)?.name;
    if (inside !== undefined || this.#lost !== null) {
      const where = inside === undefined ? `after ${this.#lost}` : `inside ${inside}`;
      return `The placeholder {${name}} stands ${where}, where no quoting is safe. Assign it to a variable first: value={${name}}; …"$value"`;
    }
    this.#flush();
    this.#segments.push({ name, context: this.#context });
    this.#at += name.length + 2;
    this.#wordStart = false;
    return null;
  }

  #shell(): void {
    const character = this.#text[this.#at]!;
    const level = this.#levels.at(-1);
    if (level?.raw === true) return this.#insideRaw(character, level);
    if (character === '\\' && this.#context !== 'single') return this.#take(2);
    if (this.#context === 'single') {
      if (character === "'") this.#context = 'bare';
      return this.#take(1);
    }
    if (character === level?.close && this.#context === level.inner) {
      this.#levels.pop();
      this.#context = level.outer;
      return this.#take(1);
    }
    if (character === '"') {
      if (level?.name === '${…}' && level.inner === 'double') this.#lost = 'quotes inside "${…}"';
      this.#context = this.#context === 'double' ? 'bare' : 'double';
      return this.#take(1);
    }
    if (character === '`') return this.#enter({ close: '`', name: 'backticks', length: 1, raw: true });
    if (character === '$') return this.#dollar();
    if (this.#context === 'bare') return this.#bare(character, level);
    this.#take(1);
  }

  #insideRaw(character: string, level: Level): void {
    if (character === '\\' && level.close === '`') return this.#take(2);
    if (character === level.close) {
      this.#levels.pop();
      this.#context = level.outer;
    }
    this.#take(1);
  }

  #dollar(): void {
    const next = this.#text[this.#at + 1];
    if (next === '(') return this.#enter({ close: ')', name: '$(…)', length: 2 });
    if (next === '{') return this.#enter({ close: '}', name: '${…}', length: 2, inner: this.#context });
    if (next === "'" && this.#context === 'bare') this.#lost = "$'…'";
    this.#take(1);
  }

  #bare(character: string, level: Level | undefined): void {
    const text = this.#text;
    if (character === "'") this.#context = 'single';
    else if (character === '(' && (level?.close === ')' || text.startsWith('((', this.#at))) {
      return this.#enter({ close: ')', name: level?.name ?? '((…))', length: 1 });
    } else if (character === '#' && this.#wordStart && level?.name !== '${…}') return this.#enter({ close: '\n', name: 'a comment', length: 1, raw: true });
    else if (text.startsWith('<<<', this.#at)) return this.#take(3);
    else if (text.startsWith('<<', this.#at)) this.#lost = 'a here-document';
    else if (level?.close === ')' && this.#wordStart && /^case\s/.test(text.slice(this.#at, this.#at + 5))) this.#lost = 'case inside $(…)';
    this.#take(1);
  }

  #enter(construct: { close: string; name: string; length: number; raw?: boolean; inner?: Context }): void {
    const { close, name, length, raw = false, inner = 'bare' } = construct;
    this.#levels.push({ close, name, inner, outer: this.#context, raw });
    this.#context = inner;
    this.#take(length);
  }

  #take(length: number): void {
    const taken = this.#text.slice(this.#at, this.#at + length);
    // A line that goes on after a backslash is still the same word.
    if (taken !== '\\\n') this.#wordStart = /[\s;&|()<>]$/.test(taken) && !taken.startsWith('\\');
    this.#literal += taken;
    this.#at += length;
  }

  #flush(): void {
    if (this.#literal !== '') this.#segments.push({ text: this.#literal });
    this.#literal = '';
  }
}
