import { expect, test } from 'vitest';

import { createSecretSeal } from './secret-seal.ts';

test('only the agent that sealed opens, and only for the same lease', () => {
  const seal = createSecretSeal('jda_one');
  const sealed = seal.seal({ TOKEN: 'ghp_secret' }, 'lease-1');
  expect(sealed).not.toContain('ghp_secret');
  expect(Buffer.from(sealed, 'base64url').includes('ghp_secret')).toBe(false);
  expect(createSecretSeal('jda_one').open(sealed, 'lease-1')).toEqual({ TOKEN: 'ghp_secret' });
  expect(seal.open(sealed, 'lease-2')).toBeNull();
  expect(createSecretSeal('jda_two').open(sealed, 'lease-1')).toBeNull();
  expect(seal.open(`${sealed.slice(0, -2)}AA`, 'lease-1')).toBeNull();
  expect(seal.open('', 'lease-1')).toBeNull();
});
