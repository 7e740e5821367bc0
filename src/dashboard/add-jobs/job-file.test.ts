import { describe, expect, it } from 'vitest';

import { LIMITS } from '../../core/limits.ts';
import { readJobFile } from './job-file.ts';

const encode = (text: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(text);
const fileOf = (name: string, content: string | Uint8Array<ArrayBuffer>, size?: number) => {
  const bytes = typeof content === 'string' ? encode(content) : content;
  return { name, size: size ?? bytes.length, arrayBuffer: () => Promise.resolve(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength)) };
};
const read = (name: string, content: string | Uint8Array<ArrayBuffer>) => readJobFile(fileOf(name, content), () => Promise.resolve());
const jobs = async (name: string, content: string | Uint8Array<ArrayBuffer>) => {
  const { plan, problems } = await read(name, content);
  expect(problems).toEqual([]);
  return plan.kind === 'list' ? plan.jobs : plan.kind;
};
const problems = async (name: string, content: string) =>
  (await read(name, content)).problems.map(({ place, sentence }) => `${place === null ? '' : `${place.line}:${place.column} `}${sentence}`);

describe('a file of jobs', () => {
  it('is a table whose first row names the params, its cells read as values are in the form', async () => {
    expect(await jobs('sweep.csv', '\uFEFFlr,name,on,list\r\n0.1,"a, ""b""",true,"[1,2]"\r\n1e-3,007,null,\r\n')).toEqual([
      { lr: 0.1, name: 'a, "b"', on: true, list: [1, 2] },
      { lr: '1e-3', name: '007', on: null },
    ]);
    expect(await jobs('sweep.tsv', 'a\tb\n1\tx,y\n')).toEqual([{ a: 1, b: 'x,y' }]);
    expect(await jobs('german.csv', 'a;b\n0,5;2\n')).toEqual([{ a: '0,5', b: 2 }]);
    expect(await jobs('notes.txt', 'a\tb\n1\t2\n')).toEqual([{ a: 1, b: 2 }]);
  });

  it('is JSON, a list or a matrix, or an object on each line', async () => {
    expect(await jobs('jobs.json', '[{"a": 1}, {"a": "1"}]')).toEqual([{ a: 1 }, { a: '1' }]);
    expect(await jobs('grid.json', '{"a": [1, 2], "b": [3]}')).toBe('matrix');
    expect(await jobs('jobs.jsonl', '{"a": 1}\r\n\r\n{"b": [true]}\n')).toEqual([{ a: 1 }, { b: [true] }]);
  });

  it('is read in UTF-16 where its mark says so, and is refused where it is no text', async () => {
    const text = '\uFEFFname\né\n';
    const units = new Uint8Array(text.length * 2);
    [...text].forEach((character, index) => units.set([character.charCodeAt(0) & 255, character.charCodeAt(0) >> 8], index * 2));
    expect(await jobs('utf16.csv', units)).toEqual([{ name: 'é' }]);
    expect((await read('picture.csv', new Uint8Array([137, 80, 78, 71, 255, 0]))).problems[0]!.sentence).toContain('no text');
    expect((await read('model.bin', new Uint8Array([109, 0, 111, 10]))).problems[0]!.sentence).toContain('no text');
  });

  it('says by line and column what is wrong with it', async () => {
    expect(await problems('a.csv', 'lr,,lr,1x\n1,2,3,4\n')).toEqual([
      '1:4 This column has no name; the first row names the params.',
      '1:5 lr names two columns.',
      expect.stringContaining('1:8 "1x": a name begins with') as string,
    ]);
    expect(await problems('a.csv', 'lr,n\n1,2,3\n1,12345678901234567890\n"x')).toEqual([
      '2:5 This row has 3 cells, and the header names 2.',
      expect.stringContaining('3:3 n: the number 12345678901234567890 cannot be kept exactly') as string,
      '4:1 The quote that opens here is never closed.',
    ]);
    expect(await problems('a.jsonl', '{"a": 1}\n{"a": 1, "a": 2}\n[1]\n{"a" 1}\n')).toEqual([
      expect.stringMatching(/^2:10 The name "a" is given twice/) as string,
      expect.stringMatching(/^3:1 Params must be an object/) as string,
      '4:6 A colon should follow the name.',
    ]);
    expect(await problems('a.json', '[{"a": 1},\n {"a": }]')).toEqual([expect.stringMatching(/^2:8 /) as string]);
    expect(await problems('a.csv', '')).toEqual(['There is no job in this file.']);
    expect(await problems('a.csv', 'lr\n')).toEqual(['There is no job in this file.']);
  });

  it('has limits, which it names', async () => {
    const long = await readJobFile(fileOf('a.csv', 'a\n1\n', LIMITS.job_file_bytes.value + 1), () => Promise.resolve());
    expect(long.problems[0]!.sentence).toContain('at most 16.8 MB');
    expect((await problems('many.csv', `a\n${'1\n'.repeat(LIMITS.create_jobs.value + 1)}`))[0]).toContain('At most 100,000 jobs');
    const wide = `${Array.from({ length: 20 }, (_, index) => `a_long_name_of_a_param_${index}`).join(',')}\n`;
    expect((await problems('wide.csv', wide + `${'1,'.repeat(19)}1\n`.repeat(60_000)))[0]).toContain('one request carries 16.5 MB');
    expect(await problems('wrong.csv', `a\n${'1,2\n'.repeat(500)}`)).toHaveLength(10);
  });

  it('lets the page go on while it is read', async () => {
    let pauses = 0;
    await readJobFile(fileOf('a.csv', `a\n${'1\n'.repeat(10_000)}`), () => {
      pauses += 1;
      return Promise.resolve();
    });
    expect(pauses).toBe(5);
  });
});
