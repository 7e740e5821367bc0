// The search box: `lr=0.01`, `lr>0.001`, `hidden_units!=8`, `tag:best`, `-tag:best`, `is:forgotten`, a job number, or any text. Words are joined by "and".

export type Comparison = '=' | '!=' | '<' | '<=' | '>' | '>=';

export type SearchTerm =
  | { readonly kind: 'param'; readonly name: string; readonly comparison: Comparison; readonly value: string }
  | { readonly kind: 'tag'; readonly tag: string; readonly has: boolean }
  | { readonly kind: 'text'; readonly text: string };

/** `forgotten`: the jobs that lists leave out are meant, and no others. */
export type SearchResult = { readonly terms: readonly SearchTerm[]; readonly forgotten?: true } | { readonly problem: string };

/** Double quotes keep spaces together: `note="two words"`. */
export function parseSearch(input: string): SearchResult {
  const terms: SearchTerm[] = [];
  let forgotten = false;
  for (const word of words(input)) {
    if (word === 'is:forgotten') {
      forgotten = true;
      continue;
    }
    const tag = /^(-?)tag:(.+)$/s.exec(word);
    if (tag !== null) {
      terms.push({ kind: 'tag', tag: unquote(tag[2]!), has: tag[1] === '' });
      continue;
    }
    const match = /^([A-Za-z_][A-Za-z0-9_.-]{0,127})(<=|>=|!=|=|<|>)(.*)$/s.exec(word);
    if (match === null) {
      terms.push({ kind: 'text', text: unquote(word) });
      continue;
    }
    const comparison = match[2] as Comparison;
    const value = unquote(match[3]!);
    if (comparison !== '=' && comparison !== '!=' && !isNumber(value)) {
      return { problem: `${word}: ${comparison} compares numbers; ${JSON.stringify(value)} is none. Use = for text.` };
    }
    terms.push({ kind: 'param', name: match[1]!, comparison, value });
  }
  return { terms, ...(forgotten ? { forgotten } : {}) };
}

function words(input: string): string[] {
  return input.match(/(?:[^\s"]|"(?:[^"\\]|\\.)*"?)+/g) ?? [];
}

function unquote(text: string): string {
  return text.replace(/"((?:[^"\\]|\\.)*)"?/g, (_, inner: string) => inner.replace(/\\(.)/g, '$1'));
}

export function isNumber(text: string): boolean {
  return text.trim() !== '' && Number.isFinite(Number(text));
}
