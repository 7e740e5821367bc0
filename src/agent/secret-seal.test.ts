import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { expect, onTestFinished, test } from 'vitest';

import type { LeaseShape } from '../contract/index.ts';
import { systemClock as clock } from '../runtime/clock.ts';
import { createAttemptStore } from './attempt-store.ts';
import { jobVariables, withoutSecrets } from './job-environment.ts';
import { createSecretSeal } from './secret-seal.ts';

const lease: LeaseShape = {
  ...{ job_id: 7, experiment: 'tune', number: 3, attempt: 1, rank: 0, token: 'abcdefgh12345', slot: 0, params: {}, command: 'push', machine: null },
  ...{ secrets: { TOKEN: 'ghp_secret' }, timeout_seconds: null, grace_seconds: 5 },
};

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

test('the lease on disk does not hold them in clear; whoever takes it over has them again, or knows that it cannot', async () => {
  const data = mkdtempSync(join(tmpdir(), 'drover-seal-'));
  onTestFinished(() => rmSync(data, { recursive: true, force: true }));
  const storeOf = (secret: string) => createAttemptStore({ data, owner: 'me', clock, seal: createSecretSeal(secret) });
  const { directory } = await storeOf('jda_one').create(lease, 0, 5);
  const text = readFileSync(join(directory, 'lease.json'), 'utf8');
  expect(text).toContain('sealed_secrets');
  expect(text).not.toContain('ghp_secret');
  expect(storeOf('jda_one').scan()).toMatchObject([{ lease, secrets_lost: false }]);
  const [lost] = storeOf('jda_two').scan();
  expect([lost!.secrets_lost, lost!.lease.secrets]).toEqual([true, undefined]);
});

test('a job finds its own secrets in its environment, and not those of a job that started its agent', () => {
  const places = { server: 's', data: 'd', job_directory: 'j', attempt_directory: 'a', worker_id: 'w', python_library: '/lib' };
  const inherited = withoutSecrets({ LANG: 'C', JD_SECRET_OTHER: 'of another job', JD_SECRET_TOKEN: 'older' });
  expect(inherited).toEqual({ LANG: 'C' });
  expect(jobVariables(inherited, lease, places)).toMatchObject({ JD_SECRET_TOKEN: 'ghp_secret' });
});
