import { afterEach, expect, test, vi } from 'vitest';

import { recall, remember } from './remembered.ts';

/** What browsers have, as far as it is used here. */
function storage(over: { setItem?: () => void; getItem?: () => string } = {}): Map<string, string> {
  const kept = new Map<string, string>();
  vi.stubGlobal('localStorage', {
    getItem: over.getItem ?? ((key: string) => kept.get(key) ?? null),
    setItem: over.setItem ?? ((key: string, value: string) => void kept.set(key, value)),
  });
  return kept;
}

afterEach(() => vi.unstubAllGlobals());

test('remembers for each experiment, and forgets', () => {
  storage();
  remember('first', 'tune', ['a']);
  remember('first', '__proto__', ['b']);
  remember('first', 'other', ['c']);
  remember('first', 'other', undefined);
  expect(['tune', '__proto__', 'other', 'toString'].map((name) => recall('first', name))).toEqual([['a'], ['b'], undefined, undefined]);
});

test('the oldest of very many experiments is forgotten', () => {
  const kept = storage();
  for (let index = 0; index < 250; index += 1) remember('many', `e-${index}`, index);
  expect(Object.keys(JSON.parse(kept.get('drover.many')!) as object)).toHaveLength(200);
  expect([recall('many', 'e-0'), recall('many', 'e-249')]).toEqual([undefined, 249]);
});

test('where storage is refused or spoilt, this page still remembers', () => {
  const refuse = (): never => {
    throw new DOMException('denied', 'SecurityError');
  };
  storage({ setItem: refuse, getItem: refuse });
  expect(recall('refused', 'tune')).toBe(undefined);
  remember('refused', 'tune', ['a']);
  expect(recall('refused', 'tune')).toEqual(['a']);
  vi.unstubAllGlobals();
  storage({ getItem: () => '[1' });
  expect(recall('spoilt', 'tune')).toBe(undefined);
});
