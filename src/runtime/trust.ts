// Certificates of authorities that are not among the usual ones: reading them, and recognising that one is missing.
import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { rootCertificates } from 'node:tls';

import { ConfigError, type Environment } from './config.ts';

const UNTRUSTED = new Set([
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
]);

/** Giving any certificate replaces the built-in ones, so those, and the ones that Node was told of, are named again. */
export function trustedCertificates(caFile: string, env: Environment): string[] {
  const extra = env['NODE_EXTRA_CA_CERTS'] ?? '';
  return [...rootCertificates, ...(extra === '' ? [] : readExtra(extra)), readAuthorities(caFile)];
}

function readAuthorities(path: string): string {
  const wrong = (why: string): ConfigError => new ConfigError(`ca_file: ${path} ${why}; it must be a file of certificates (PEM).`);
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw wrong(`cannot be read (${(error as NodeJS.ErrnoException).code})`);
  }
  try {
    // Node takes a file without any certificate in silence, and fails later for reasons that nobody connects with it.
    void new X509Certificate(text);
    return text;
  } catch {
    throw wrong('holds no certificate');
  }
}

/** Node itself only warns when this file is missing. */
function readExtra(path: string): string[] {
  try {
    return [readFileSync(path, 'utf8')];
  } catch {
    return [];
  }
}

/** What to do about a server whose certificate no known authority vouches for; null when an error is about something else. */
export function untrustedServer(server: string, error: unknown, caFile: string | null): string | null {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if (!UNTRUSTED.has(String((cause as NodeJS.ErrnoException).code))) continue;
    const tried = caFile === null ? '' : ` ${caFile} does not help.`;
    return `${server}: its certificate comes from an authority that is not trusted here (${cause.message}).${tried} Name the file of that authority's certificate (PEM): DROVER_CA_FILE, --ca-file of an agent, or NODE_EXTRA_CA_CERTS.`;
  }
  return null;
}
