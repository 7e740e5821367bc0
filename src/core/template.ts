// Command templates: `python train.py --lr {lr}`. A placeholder is `{name}` not after `$`; `{{` and `}}` stand for braces.
// A value is escaped for the place it stands in (bare, '…' or "…"), so whatever it holds, the shell sees one piece of text.
// Where no escaping is safe (backticks, $(…), ${…}, here-documents, comments) a placeholder is refused.
import { LIMITS } from './limits.ts';
import { plainText, type Params } from './params.ts';

type Context = 'bare' | 'single' | 'double';

type Segment = { readonly text: string } | { readonly name: string; readonly context: Context };

export interface Template {
  readonly segments: readonly Segment[];
  /** Names of the placeholders, each once, in order of appearance. */
  readonly names: readonly string[];
}

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
  const unknown = known === undefined ? [] : template.names.filter((name) => !known.has(name));
  if (unknown.length > 0) return { problem: unknownNames(unknown, known!) };
  return { template };
}

function unknownNames(unknown: readonly string[], known: ReadonlySet<string>): string {
  const list = unknown.map((name) => `{${name}}`).join(', ');
  const have = known.size === 0 ? 'there are no params' : `known names are ${[...known].slice(0, 20).join(', ')}`;
  return `The command uses ${list}, but ${have}. Write {{${unknown[0]}}} if braces are meant.`;
}

/** The command line for `sh -c`. Every placeholder must have a value in `params`. */
export function renderTemplate(template: Template, params: Params): string {
  return template.segments
    .map((segment) => ('text' in segment ? segment.text : escapeFor(segment.context, plainText(params[segment.name]!))))
    .join('');
}

/** Words typed after `--`: one is the template as typed; of several each is quoted, then joined. */
export function commandFromWords(words: readonly string[]): string {
  return words.length === 1 ? words[0]! : words.map(shellQuote).join(' ');
}

/** One word for a POSIX shell. */
export function shellQuote(text: string): string {
  return /^[A-Za-z0-9_/:=.,@%+-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}

function escapeFor(context: Context, value: string): string {
  switch (context) {
    case 'bare':
      return shellQuote(value);
    case 'single':
      return value.replaceAll("'", `'\\''`);
    case 'double':
      return value.replace(/[\\"$`]/g, '\\$&');
  }
}

const PLACEHOLDER = /\{([A-Za-z_][A-Za-z0-9_.-]{0,127})\}/y;

/** Walks the text once, keeping just enough of the shell's state to know how a value must be escaped at each point. */
class TemplateParser {
  readonly #text: string;
  readonly #segments: Segment[] = [];
  #literal = '';
  #at = 0;
  #context: Context = 'bare';
  /** Open constructs in which a placeholder is refused, innermost last. */
  readonly #refusing: { readonly close: string; readonly name: string; readonly outer: Context }[] = [];
  #hereDocument = false;

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
    if (this.#context === 'single' || this.#context === 'double') return 'The command has a quote that is never closed.';
    this.#flush();
    return null;
  }

  #step(): string | null {
    const text = this.#text;
    if (text.startsWith('{{', this.#at) || text.startsWith('}}', this.#at)) {
      this.#literal += text[this.#at]!;
      this.#at += 2;
      return null;
    }
    PLACEHOLDER.lastIndex = this.#at;
    const match = PLACEHOLDER.exec(text);
    if (match !== null) return this.#placeholder(match[1]!);
    this.#shell();
    return null;
  }

  #placeholder(name: string): string | null {
    const where = this.#refusing.at(-1)?.name ?? (this.#hereDocument ? 'a here-document' : null);
    if (where !== null) {
      return `The placeholder {${name}} stands inside ${where}, where no quoting is safe. Assign it to a variable first: value={${name}}; …"$value"`;
    }
    this.#flush();
    this.#segments.push({ name, context: this.#context });
    this.#at += name.length + 2;
    return null;
  }

  #shell(): void {
    const character = this.#text[this.#at]!;
    if (character === '\\' && this.#context !== 'single') return this.#take(2);
    const open = this.#refusing.at(-1);
    if (open?.close === '\n') {
      if (character === '\n') this.#refusing.pop();
      return this.#take(1);
    }
    if (open !== undefined && character === open.close && this.#context !== 'single' && !(this.#context === 'double' && open.outer !== 'double')) {
      this.#refusing.pop();
      this.#context = open.outer;
      return this.#take(1);
    }
    if (this.#context === 'single') {
      if (character === "'") this.#context = 'bare';
      return this.#take(1);
    }
    if (character === '"') {
      this.#context = this.#context === 'double' ? 'bare' : 'double';
      return this.#take(1);
    }
    if (this.#openSubstitution(character)) return;
    if (this.#context === 'bare') return this.#bare(character);
    this.#take(1);
  }

  #openSubstitution(character: string): boolean {
    if (character === '`') {
      this.#enter('`', 'backticks', 1);
      return true;
    }
    if (character !== '$') return false;
    if (this.#text[this.#at + 1] === '(') this.#enter(')', '$(…)', 2);
    else if (this.#text[this.#at + 1] === '{') this.#enter('}', '${…}', 2);
    else this.#take(1);
    return true;
  }

  #bare(character: string): void {
    if (character === "'") this.#context = 'single';
    else if (character === '(' && this.#refusing.length > 0) return this.#enter(')', '$(…)', 1);
    else if (character === '#' && /(^|[\s;&|()])$/.test(this.#text.slice(0, this.#at))) return this.#enter('\n', 'a comment', 1);
    else if (this.#text.startsWith('<<<', this.#at)) return this.#take(3);
    else if (this.#text.startsWith('<<', this.#at)) this.#hereDocument = true;
    this.#take(1);
  }

  #enter(close: string, name: string, length: number): void {
    this.#refusing.push({ close, name, outer: this.#context });
    if (name !== '${…}' || this.#context === 'bare') this.#context = 'bare';
    this.#take(length);
  }

  #take(length: number): void {
    this.#literal += this.#text.slice(this.#at, this.#at + length);
    this.#at += length;
  }

  #flush(): void {
    if (this.#literal !== '') this.#segments.push({ text: this.#literal });
    this.#literal = '';
  }
}
