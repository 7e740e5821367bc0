import { expect, test } from 'vitest';

import { branchOf, leafText, readJson, readYaml } from './tree-values.ts';

const value = async (read: ReturnType<typeof readJson> | ReturnType<typeof readYaml>): Promise<unknown> => {
  const found = await read;
  return 'value' in found ? found.value : found.problem;
};

test('JSON is read with its order and its own members; what is not JSON says so', async () => {
  expect(await value(readJson('{"b": 1, "a": [true, null, "x"], "__proto__": {"c": 1e400}}'))).toMatchObject({ b: 1, a: [true, null, 'x'] });
  expect(branchOf(await value(readJson('{"b": 1, "__proto__": 2}')))).toEqual({
    isList: false,
    entries: [
      ['b', 1],
      ['__proto__', 2],
    ],
  });
  expect(await value(readJson('{"loss": NaN}'))).toMatch(/^This is not JSON: /);
  expect(await value(readJson('['.repeat(50_000)))).toMatch(/^This is not JSON: /);
});

test('YAML is read: several documents, large whole numbers, tags that nobody knows, and errors in one line', async () => {
  expect(await value(readYaml('lr: 0.1\nlayers: [1, 2]\nname: "a: b"\n'))).toEqual({ lr: 0.1, layers: [1n, 2n], name: 'a: b' });
  expect(await value(readYaml('a: 1\n---\nb: 2\n'))).toEqual([{ a: 1n }, { b: 2n }]);
  expect(leafText(await value(readYaml('12345678901234567890')))).toEqual({ kind: 'number', text: '12345678901234567890' });
  expect(await value(readYaml('model: !!python/object:torch.Net {a: 1}'))).toEqual({ model: { a: 1n } });
  expect(await value(readYaml('a: [1, 2\nb: 3'))).toMatch(/^This is not YAML: [^\n]+$/);
  const bomb = `a: &a [x,x,x,x,x,x,x,x,x]\n${[...'bcdefgh'].map((name, index) => `${name}: &${name} [${Array(9).fill(`*${'abcdefgh'[index]!}`).join(',')}]`).join('\n')}\n`;
  expect(await value(readYaml(bomb))).toMatch(/cannot be shown as a tree/);
});

test('leaves are told with their kind', () => {
  expect([null, true, 1.5, 'two "words"', undefined].map(leafText)).toEqual([
    { kind: 'null', text: 'null' },
    { kind: 'boolean', text: 'true' },
    { kind: 'number', text: '1.5' },
    { kind: 'text', text: '"two \\"words\\""' },
    { kind: 'null', text: 'null' },
  ]);
  expect([[], {}, 'x', null].map((each) => branchOf(each)?.entries.length ?? null)).toEqual([0, 0, null, null]);
});
