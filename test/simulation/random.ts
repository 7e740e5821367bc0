// Seeded randomness: everything that varies in a simulated run comes from here, so that the same seed gives the same run.
import { createHash } from 'node:crypto';

export interface Random {
  /** 0 ≤ x < 1. */
  next(): number;
  /** Whole number, both ends included. */
  int(least: number, most: number): number;
  chance(probability: number): boolean;
  pick<T>(items: readonly T[]): T;
  /** Many small values, few large ones: between the bounds, evenly on a logarithmic scale. */
  spread(least: number, most: number): number;
  bytes(length: number): Buffer;
  /** Another source that depends on this one's seed and the name alone, not on what was drawn before. */
  fork(name: string): Random;
}

export function createRandom(seed: string): Random {
  const digest = createHash('sha256').update(seed).digest();
  let a = digest.readUInt32LE(0);
  let b = digest.readUInt32LE(4);
  let c = digest.readUInt32LE(8);
  let counter = 1;

  // The generator "small fast counting" with three words of state: public domain, and more than good enough here.
  function word(): number {
    const sum = (a + b + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = ((c << 21) | (c >>> 11)) + sum;
    c |= 0;
    return sum >>> 0;
  }

  const next = (): number => word() / 0x1_0000_0000;
  return {
    next,
    int: (least, most) => least + Math.floor(next() * (most - least + 1)),
    chance: (probability) => next() < probability,
    pick: (items) => items[Math.floor(next() * items.length)]!,
    spread: (least, most) => least * (most / least) ** next(),
    bytes(length) {
      const bytes = Buffer.alloc(length);
      for (let at = 0; at < length; at += 1) bytes[at] = word() & 255;
      return bytes;
    },
    fork: (name) => createRandom(`${seed}/${name}`),
  };
}
