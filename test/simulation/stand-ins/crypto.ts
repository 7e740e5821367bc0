// `node:crypto` with random bytes that follow from the seed.
import { current } from './current.ts';

export * from 'node:crypto';

export function randomBytes(length: number): Buffer {
  return current.random.bytes(length);
}
