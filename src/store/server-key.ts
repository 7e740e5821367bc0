// The server's key: makes lease tokens, encrypts PINs and secret variables. Without it the database alone opens nothing.
import { hash, hkdfSync, randomBytes } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';

import { makeDirectories } from '../runtime/make-directories.ts';
import { openText, sealText } from '../runtime/sealed-text.ts';
import { StoreRefused } from './migrate.ts';

export interface ServerKey {
  /** An unforgeable short text that belongs to `message`: 120 bits, base64url. */
  sign(message: string): string;
  /** Authenticated encryption of a short text. */
  encrypt(text: string): string;
  decrypt(cipher: string): string;
  /** A key of its own for a purpose that has its own format. */
  derive(purpose: string): Buffer;
}

const KEY_BYTES = 32;
/** 120 bits in base64url. */
const SIGNATURE_CHARACTERS = 20;

export function newServerKeyText(): string {
  return randomBytes(KEY_BYTES).toString('base64url');
}

/** The key file of a data directory; made when the store is new, refused to be made when it is not. */
export function readKeyFile(directory: string, storeIsNew: boolean): string {
  const path = `${directory}/server.key`;
  if (existsSync(path)) return readFileSync(path, 'utf8').trim();
  if (!storeIsNew) {
    throw new StoreRefused(
      `The server's key ${path} is missing, and without it running jobs and PINs cannot be recognised. Restore the file from the backup of the data directory.`,
    );
  }
  makeDirectories(directory, 0o700);
  const text = newServerKeyText();
  writeFileSync(path, `${text}\n`, { mode: 0o600, flag: 'wx' });
  return text;
}

export function serverKey(text: string): ServerKey {
  const root = Buffer.from(text, 'base64url');
  const derive = (purpose: string): Buffer => Buffer.from(hkdfSync('sha256', root, Buffer.alloc(0), purpose, KEY_BYTES));
  const signing = derive('drover lease tokens').toString('hex');
  const encrypting = derive('drover stored texts');
  return {
    derive,
    // The key before the message, in SHA-512/256: what is told of its state is too little to go on from, so this needs no HMAC around it,
    // which in Node takes three times as long. A token is made for each lease.
    sign: (message) => hash('sha512-256', signing + message, 'base64url').slice(0, SIGNATURE_CHARACTERS),
    encrypt: (text) => sealText(encrypting, text),
    decrypt: (cipher) => openText(encrypting, cipher),
  };
}
