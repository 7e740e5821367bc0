// Keeps the secrets of a running job beside its lease, so that a later process of the agent can mask its logs. They are sealed with a key made from
// the agent's own secret, which lies elsewhere: a copy of the attempt directory reveals nothing.
import { hkdfSync } from 'node:crypto';

import { openText, SEAL_KEY_BYTES, sealText } from '../runtime/sealed-text.ts';

export interface SecretSeal {
  seal(secrets: Readonly<Record<string, string>>, leaseToken: string): string;
  /** Null: they were sealed by another agent, or changed. */
  open(sealed: string, leaseToken: string): Record<string, string> | null;
}

export function createSecretSeal(agentSecret: string): SecretSeal {
  // The token for salt: what was sealed for one lease is good for no other one.
  const keyFor = (leaseToken: string): Buffer => Buffer.from(hkdfSync('sha256', agentSecret, leaseToken, 'drover secrets of a job', SEAL_KEY_BYTES));
  return {
    seal: (secrets, leaseToken) => sealText(keyFor(leaseToken), JSON.stringify(secrets)),
    open(sealed, leaseToken) {
      try {
        return JSON.parse(openText(keyFor(leaseToken), sealed)) as Record<string, string>;
      } catch {
        return null;
      }
    },
  };
}
