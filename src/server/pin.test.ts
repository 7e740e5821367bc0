import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { API_ROOT } from '../contract/index.ts';
import { LIMITS } from '../core/limits.ts';
import { manualClock } from '../../test/support/manual-clock.ts';

import { createPinGuard } from './pin-guard.ts';
import { cookieOf, expectProblem, openTestApp, type TestApp } from './test-app.suite.ts';

const LOCK_MS = LIMITS.pin_lock_seconds.value * 1000;
const PIN = '402913';

let server: TestApp;

beforeEach(async () => {
  server = await openTestApp();
  await server.newExperiment('digits-tune', PIN);
});

afterEach(() => server.close());

const login = (pin: string, from = '192.0.2.1', experiment = 'digits-tune'): Promise<Response> =>
  server.send(`${API_ROOT}/login`, { key: null, from, body: { experiment, pin } });

/** A crowd with addresses of all kinds. */
function addressOf(n: number): string {
  if (n % 3 === 0) return `2001:db8:${n.toString(16)}:1::${(n % 7) + 1}`;
  return n % 3 === 1 ? `198.51.${n >> 8}.${n & 255}` : `::ffff:203.0.${n >> 8}.${n & 255}`;
}

describe('login by PIN', () => {
  it('takes the PIN, with spaces too, and counts nothing against the experiment', async () => {
    for (let n = 0; n < LIMITS.pin_tries_experiment.value + 1; n += 1) expect((await login(n % 2 === 0 ? PIN : '402 913')).status).toBe(200);
  });

  it('gives an unknown experiment the same answer as a wrong PIN', async () => {
    const wrong = await expectProblem(await login('000000', '192.0.2.1'), 401, 'wrong_pin');
    const unknown = await expectProblem(await login('000000', '192.0.2.2', 'nothing-here'), 401, 'wrong_pin');
    expect({ ...unknown, request_id: '' }).toEqual({ ...wrong, request_id: '' });
    await expectProblem(await login('------', '192.0.2.3', 'nothing-here'), 401, 'wrong_pin');
    await expectProblem(await login('', '192.0.2.4'), 401, 'wrong_pin');
  });

  it('gives everybody a new session, whatever cookie somebody planted before', async () => {
    const name = server.context.access.cookie_name;
    const planted = `${name}=jds_${'A'.repeat(32)}`;
    const answer = (cookie: string): Promise<Response> =>
      server.send(`${API_ROOT}/login`, { cookie, headers: { 'drover-csrf': '1' }, body: { experiment: 'digits-tune', pin: PIN } });
    const first = cookieOf(await answer(planted));
    const second = cookieOf(await answer(first));
    expect(new Set([planted, first, second]).size).toBe(3);
    for (const [cookie, status] of [
      [planted, 401],
      [first, 200],
      [second, 200],
    ] as const) {
      expect((await server.send(`${API_ROOT}/status`, { cookie })).status).toBe(status);
    }
  });

  it('slows a client down, then locks it, and forgives in time', async () => {
    let waited = 0;
    for (let n = 0; n < LIMITS.pin_tries.value; n += 1) {
      for (;;) {
        const response = await login('000000');
        if (response.status === 401) break;
        const problem = await expectProblem(response, 429, 'rate_limited');
        expect(response.headers.get('retry-after')).toBe(String(problem.details!.retry_after_seconds));
        server.clock.advance(problem.details!.retry_after_seconds! * 1000);
        waited += problem.details!.retry_after_seconds!;
      }
    }
    expect(waited).toBe(1 + 2 + 4);
    const locked = await expectProblem(await login(PIN), 429, 'rate_limited');
    expect(locked.details!.retry_after_seconds).toBe(LIMITS.pin_lock_seconds.value);
    expect((await login(PIN, '192.0.2.77')).status).toBe(200);
    server.clock.advance(LOCK_MS);
    expect((await login(PIN)).status).toBe(200);
  });

  it('locks an experiment for all clients, without touching keys, links and sessions', async () => {
    const session = cookieOf(await login(PIN));
    for (let n = 0; n < LIMITS.pin_tries_experiment.value; n += 1) await expectProblem(await login('000000', `198.51.100.${n}`), 401, 'wrong_pin');
    await expectProblem(await login(PIN, '203.0.113.1'), 429, 'rate_limited');
    expect((await server.send(`${API_ROOT}/status`, { cookie: session })).status).toBe(200);
    expect((await server.send(`${API_ROOT}/experiments/digits-tune`)).status).toBe(200);
    const { path } = await server.client().access.createLoginLink({ body: {} });
    expect((await server.send(`${API_ROOT}/login`, { key: null, body: { link_token: path.split('=')[1] } })).status).toBe(200);
    await server.newExperiment('other', PIN);
    expect((await login(PIN, '203.0.113.1', 'other')).status).toBe(200);
    server.clock.advance(LOCK_MS);
    expect((await login(PIN, '203.0.113.1')).status).toBe(200);
  });

  it('10,000 guesses from as many addresses open nothing, and the owner gets in meanwhile', async () => {
    const session = cookieOf(await login(PIN));
    const owner = await server.newKey('owner');
    const answers = new Map<number, number>();
    for (let n = 0; n < 10_000; n += 1) {
      // Every hundredth guess is the right one: once it is locked, that is no way in either.
      const pin = n % 100 === 99 ? PIN : String(500_000 + n);
      const { status } = await login(pin, addressOf(n));
      answers.set(status, (answers.get(status) ?? 0) + 1);
      if (n % 2_500 !== 0) continue;
      expect((await server.send(`${API_ROOT}/experiments/digits-tune`, { key: owner })).status).toBe(200);
      expect((await server.send(`${API_ROOT}/experiments/digits-tune`, { cookie: session })).status).toBe(200);
      const { path } = await server.client().access.createLoginLink({});
      const link = await server.send(`${API_ROOT}/login`, { key: null, from: addressOf(n), body: { link_token: path.split('=')[1] } });
      expect(link.status).toBe(200);
    }
    expect(Object.fromEntries(answers)).toEqual({ 401: LIMITS.pin_tries_experiment.value, 429: 10_000 - LIMITS.pin_tries_experiment.value });
  });

  it('patience does not help who guesses from everywhere: after a day of it, few tries were judged', async () => {
    const step = 86_400_000 / 10_000;
    let judged = 0;
    for (let n = 0; n < 10_000; n += 1) {
      if ((await login('000000', addressOf(n))).status === 401) judged += 1;
      server.clock.advance(step);
    }
    const perLock = LIMITS.pin_tries_experiment.value;
    const longest = Math.ceil(86_400 / LIMITS.pin_longest_lock_seconds.value);
    // The first locks are shorter: 5, 10, 20 and 40 minutes.
    expect(judged).toBeGreaterThan(perLock * 4);
    expect(judged).toBeLessThanOrEqual(perLock * (longest + 4));
    server.clock.advance(2 * LIMITS.pin_longest_lock_seconds.value * 1000);
    for (let n = 0; n < perLock; n += 1) await expectProblem(await login('000000', addressOf(n)), 401, 'wrong_pin');
    const { details } = await expectProblem(await login(PIN, addressOf(0)), 429, 'rate_limited');
    expect(details!.retry_after_seconds).toBe(LIMITS.pin_lock_seconds.value);
  });

  it('does not count what somebody mistyped before the right PIN', async () => {
    for (let n = 0; n < LIMITS.pin_tries_experiment.value * 2; n += 1) {
      await expectProblem(await login('000000', addressOf(n)), 401, 'wrong_pin');
      expect((await login(PIN, addressOf(n))).status).toBe(200);
    }
  });

  it('counts tries that come at the same moment', async () => {
    const answers = await Promise.all(Array.from({ length: 20 }, () => login('000000')));
    expect(answers.filter((answer) => answer.status === 401).length).toBeLessThanOrEqual(2);
  });

  it('gives somebody who knows one PIN no more tries at another', async () => {
    await server.newExperiment('own', '111111');
    let guesses = 0;
    for (let n = 0; n < LIMITS.pin_tries.value; n += 1) {
      const guess = await login('000000');
      if (guess.status === 401) guesses += 1;
      for (;;) {
        const own = await login('111111', '192.0.2.1', 'own');
        if (own.status === 200) break;
        const { details } = await expectProblem(own, 429, 'rate_limited');
        if (details!.retry_after_seconds! > 60) break;
        server.clock.advance(details!.retry_after_seconds! * 1000);
      }
    }
    expect(guesses).toBe(LIMITS.pin_tries.value);
    const { details } = await expectProblem(await login('000000'), 429, 'rate_limited');
    expect(details!.retry_after_seconds).toBe(LIMITS.pin_lock_seconds.value);
  });

  it('forgets what a client got wrong before it knew the PIN, for that experiment only', async () => {
    await server.newExperiment('own', '111111');
    await expectProblem(await login('000000'), 401, 'wrong_pin');
    await expectProblem(await login('000000', '192.0.2.1', 'own'), 401, 'wrong_pin');
    server.clock.advance(1_000);
    expect((await login('111111', '192.0.2.1', 'own')).status).toBe(200);
    await expectProblem(await login('000000'), 401, 'wrong_pin');
    const { details } = await expectProblem(await login('000000'), 429, 'rate_limited');
    expect(details!.retry_after_seconds).toBe(1);
  });

  it('does not end a lock by a right PIN that was under way', () => {
    const clock = manualClock();
    const guard = createPinGuard(clock);
    const own = { client: 'a', experiment: 'own', exists: true };
    for (let n = 1; n < LIMITS.pin_tries.value; n += 1) {
      guard.begin({ ...own, experiment: 'foreign' });
      clock.advance(60_000);
    }
    guard.begin(own);
    expect(() => guard.begin({ ...own, experiment: 'foreign' })).toThrow('too many wrong PINs');
    guard.succeeded(own);
    guard.begin({ ...own, experiment: 'foreign' });
    expect(() => guard.begin(own)).toThrow('too many wrong PINs');
  });

  it('stays bounded, and unknown names do not push out known ones', () => {
    const clock = manualClock();
    const guard = createPinGuard(clock);
    const known = { experiment: 'digits-tune', exists: true };
    for (let n = 0; n < LIMITS.pin_tries_experiment.value; n += 1) guard.begin({ ...known, client: `a${n}` });
    for (let n = 0; n < 20_000; n += 1) guard.begin({ experiment: `unknown-${n}`, exists: false, client: `b${n}` });
    expect(() => guard.begin({ ...known, client: 'c' })).toThrow('too many wrong PINs');
  });
});

describe('the PIN of an experiment', () => {
  it('is shown to its owner and stored encrypted', async () => {
    const { pin } = await server.client().experiments.pin({ params: { experiment: 'digits-tune' } });
    expect(pin).toBe(PIN);
    const [row] = await server.store.sql.all<{ pin_cipher: string }>('select pin_cipher from experiment');
    expect(row!.pin_cipher).not.toContain(PIN);
  });

  it('is changed by an owner, or by whoever knows it', async () => {
    const change = (cookie: string, body: object): Promise<Response> =>
      server.send(`${API_ROOT}/experiments/digits-tune/pin`, { method: 'PUT', cookie, headers: { 'drover-csrf': '1' }, body });
    const cookie = cookieOf(await login(PIN));
    await expectProblem(await change(cookie, { new_pin: '111111' }), 401, 'wrong_pin');
    await expectProblem(await change(cookie, { new_pin: '1234', current_pin: PIN }), 422, 'invalid_input');
    server.clock.advance(2_000);
    expect((await change(cookie, { new_pin: '111111', current_pin: PIN })).status).toBe(200);
    await expectProblem(await change(cookie, { new_pin: '222222', current_pin: '111111' }), 401, 'unauthenticated');
    await server.client(await server.newKey('owner')).experiments.changePin({ params: { experiment: 'digits-tune' }, body: { new_pin: '333333' } });
    await expectProblem(await login(PIN), 401, 'wrong_pin');
    expect((await login('333333')).status).toBe(200);
    const operator = await server.newKey('operator');
    const guess = await server.send(`${API_ROOT}/experiments/digits-tune/pin`, { method: 'PUT', key: operator, body: { new_pin: '000000' } });
    await expectProblem(guess, 401, 'wrong_pin');
  });

  it('cannot be guessed through its change', async () => {
    const key = await server.newKey('operator');
    const guess = (): Promise<Response> =>
      server.send(`${API_ROOT}/experiments/digits-tune/pin`, { method: 'PUT', key, body: { new_pin: '000000', current_pin: '000001' } });
    const statuses: number[] = [];
    for (let n = 0; n < 4; n += 1) statuses.push((await guess()).status);
    expect(statuses).toEqual([401, 401, 429, 429]);
  });
});
