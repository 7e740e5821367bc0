// The query of a URL as an object: one value as text, several values of one name as a list.

export type Query = Record<string, string | string[]>;

const NONE: Query = Object.freeze(Object.create(null) as Query);

export function parseQuery(url: string): Query {
  const start = url.indexOf('?') + 1;
  if (start === 0 || start === url.length) return NONE;
  const query = Object.create(null) as Query;
  for (const part of url.slice(start).split('&')) {
    if (part === '') continue;
    const equals = part.indexOf('=');
    const name = decode(equals === -1 ? part : part.slice(0, equals));
    const value = equals === -1 ? '' : decode(part.slice(equals + 1));
    const known = query[name];
    if (known === undefined) query[name] = value;
    else if (typeof known === 'string') query[name] = [known, value];
    else known.push(value);
  }
  return query;
}

function decode(text: string): string {
  const spaced = text.includes('+') ? text.replaceAll('+', ' ') : text;
  if (!spaced.includes('%')) return spaced;
  try {
    return decodeURIComponent(spaced);
  } catch {
    return spaced;
  }
}
