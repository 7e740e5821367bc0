import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { createSecretMask, MASK_ALL, maskPiece, type SecretMask } from './secret-mask.ts';

const maskOf = (...secrets: string[]): SecretMask => createSecretMask(Object.fromEntries(secrets.map((secret, index) => [`S${index}`, secret])))!;

/** Few letters, so that secrets begin, end and lie in one another all the time. */
const letters = (from: number, to: number) => fc.string({ unit: fc.constantFrom('a', 'b', 'ü'), minLength: from, maxLength: to });
const secretTexts = fc.array(letters(4, 9), { minLength: 1, maxLength: 4 });
const outputs = fc.array(letters(0, 12), { maxLength: 12 }).map((parts) => parts.join(''));

/** All bytes of all occurrences, found the slow way. */
function expected(text: string, secrets: readonly string[]): Buffer {
  const bytes = Buffer.from(text);
  const result = Buffer.from(bytes);
  for (const secret of secrets.map((one) => Buffer.from(one))) {
    for (let at = bytes.indexOf(secret); at !== -1; at = bytes.indexOf(secret, at + 1)) result.fill('*', at, at + secret.length);
  }
  return result;
}

function inPieces(bytes: Buffer, cuts: readonly number[]): Buffer[] {
  const places = [0, ...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length].sort((a, b) => a - b);
  return places.slice(1).map((to, index) => bytes.subarray(places[index], to));
}

describe('a stream', () => {
  test('hides every byte of every occurrence and nothing else, however it is cut', () => {
    fc.assert(
      fc.property(secretTexts, outputs, fc.array(fc.nat(), { maxLength: 8 }), (secrets, text, cuts) => {
        const stream = maskOf(...secrets).stream();
        const out = inPieces(Buffer.from(text), cuts).map((piece) => stream.push(piece));
        const whole = Buffer.concat([...out, stream.release()]);
        expect(whole.toString('latin1')).toBe(expected(text, secrets).toString('latin1'));
        expect(whole.length).toBe(Buffer.byteLength(text));
        for (const secret of secrets) expect(whole.includes(secret)).toBe(false);
      }),
      { numRuns: 2_000 },
    );
  });

  test('gives on at once what cannot be the beginning of a secret', () => {
    const stream = maskOf('token-1234').stream();
    expect(stream.push(Buffer.from('epoch 1\n')).toString()).toBe('epoch 1\n');
    expect(stream.push(Buffer.from('tok')).toString()).toBe('');
    expect(stream.push(Buffer.from('yo tok')).toString()).toBe('tokyo ');
    expect(stream.push(Buffer.from('en-1234.')).toString()).toBe('**********.');
  });

  test('what was let go cannot be called back, but the rest of a secret is still hidden', () => {
    const stream = maskOf('token-1234').stream();
    stream.push(Buffer.from('token'));
    expect(stream.release().toString()).toBe('token');
    expect(stream.push(Buffer.from('-1234\n')).toString()).toBe('*****\n');
  });

  test('a long secret of one letter costs no more than another', () => {
    const secret = 'a'.repeat(60_000);
    const before = performance.now();
    const stream = maskOf(secret).stream();
    const length = stream.push(Buffer.from('a'.repeat(1_000_000))).length;
    expect(length).toBe(1_000_000 - 60_000);
    // The slow way would take half an hour.
    expect(performance.now() - before).toBeLessThan(10_000);
  });
});

describe('pieces of a file', () => {
  test('are what the whole would be, wherever they begin and end', () => {
    fc.assert(
      fc.property(secretTexts, outputs, fc.nat(), fc.nat({ max: 30 }), (secrets, text, start, wanted) => {
        const mask = maskOf(...secrets);
        const bytes = Buffer.from(text);
        const from = start % (bytes.length + 1);
        const before = Math.min(mask.longest, from);
        const asked = before + wanted + mask.longest;
        const piece = bytes.subarray(from - before, from - before + asked);
        const known = maskPiece(mask, { bytes: piece, before, wanted, is_end: false });
        const whole = expected(text, secrets).subarray(from, from + wanted);
        expect(whole.subarray(0, known.length)).toEqual(known);
        // With enough behind it nothing is kept.
        if (piece.length === asked) expect(known.length).toBe(wanted);
        expect(maskPiece(mask, { bytes: piece, before, wanted, is_end: true })).toEqual(Buffer.from(whole));
      }),
      { numRuns: 2_000 },
    );
  });
});

describe('forms', () => {
  test('lines of a secret are hidden by themselves; what is shorter than four bytes is not', () => {
    const mask = maskOf('-----BEGIN KEY-----\r\n  MIIEpAIB\nabc\n-----END KEY-----\n');
    expect(mask.text('key: MIIEpAIB abc\n-----END KEY-----')).toBe('key: ******** abc\n*****************');
    expect(createSecretMask({ PIN: '123' })).toBeNull();
    expect(createSecretMask({})).toBeNull();
    expect(maskOf('1234').text('a1234b')).toBe('a****b');
  });

  test('bytes are counted, so that offsets stay', () => {
    expect(maskOf('schlüssel').text('der schlüssel passt')).toBe('der ********** passt');
  });

  test('where the secrets cannot be read any more, everything is hidden but the lines', () => {
    const stream = MASK_ALL.stream();
    expect(Buffer.concat([stream.push(Buffer.from('a b\nü')), stream.release()]).toString()).toBe('***\n**');
    expect(MASK_ALL.text('ab\nc')).toBe('**\n*');
  });
});
