import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { csvRows, type Separator } from './csv-rows.ts';

const read = (text: string, separator: Separator = ',') =>
  [...csvRows(text, separator)].map((row) => ('fault' in row ? row.fault : row.cells.map((cell) => cell.text)));

describe('CSV', () => {
  it.each([
    [
      'a,b\n1,2\n',
      [
        ['a', 'b'],
        ['1', '2'],
      ],
    ],
    [
      'a,b\r\n1,2',
      [
        ['a', 'b'],
        ['1', '2'],
      ],
    ],
    ['a\r\rb', [['a'], ['b']]],
    ['a,,\n', [['a', '', '']]],
    ['"a, b","c ""d"""\n', [['a, b', 'c "d"']]],
    ['"two\nlines",x', [['two\nlines', 'x']]],
    [' a , "b" ,c\n\n\n d', [['a', 'b', 'c'], ['d']]],
    ['', []],
  ])('%j', (text, rows) => {
    expect(read(text)).toEqual(rows);
  });

  it('is separated by tabs or semicolons where it is told so', () => {
    expect(read('a\tb,c', '\t')).toEqual([['a', 'b,c']]);
    expect(read('a;0,5', ';')).toEqual([['a', '0,5']]);
  });

  it('says where a text is none, counting lines inside quotes too', () => {
    expect(read('a,b\n1,"2\n3\n')).toEqual([['a', 'b'], { line: 2, column: 3, sentence: 'The quote that opens here is never closed.' }]);
    expect(read('a\n"x\ny" z\n').at(-1)).toMatchObject({ line: 3, column: 4 });
    const [, row] = [...csvRows('"a\nb",c\n1,22', ',')];
    expect(row).toEqual({
      cells: [
        { text: '1', line: 3, column: 1 },
        { text: '22', line: 3, column: 3 },
      ],
    });
  });

  it('gives back what was written by the rules, whatever it is', () => {
    const cell = fc.string({ unit: fc.constantFrom('a', '"', ',', '\n', '\r', ' ', '\t', 'é') });
    fc.assert(
      fc.property(fc.array(fc.array(cell, { minLength: 2, maxLength: 4 }), { minLength: 1, maxLength: 5 }), (rows) => {
        const text = rows.map((row) => row.map((each) => `"${each.replaceAll('"', '""')}"`).join(',')).join('\r\n');
        expect(read(text)).toEqual(rows);
      }),
    );
  });
});
