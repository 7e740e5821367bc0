// Bulk actions that go on after the reply: the command waits, and says how it ended.
import { afterEach, expect, test } from 'vitest';

import { contract } from '../contract/index.ts';
import { createStage, problem, startContractServer, type Call, type Reply, type Stage } from './stage.suite.ts';

const example = contract.jobs.operation.example.reply as Record<string, unknown>;
const MANY = 250_000;

let close: () => Promise<void> = () => Promise.resolve();
afterEach(() => close());

async function staged(answer: (call: Call) => Reply | null): Promise<Stage> {
  const server = await startContractServer(answer);
  close = () => server.close();
  return createStage({ env: { DROVER_URL: server.url, DROVER_API_KEY: 'jd_test' } });
}

const started = { ...example, state: 'running', matched: MANY, done: 0, changed: 0, refused: {} };

function operating(end: object): { answer: (call: Call) => Reply | null; looks: () => number } {
  let looks = 0;
  const answer = ({ path, body }: Call): Reply | null => {
    if (path.endsWith('/events')) return null;
    if (path.includes('/operations/')) {
      looks += 1;
      return { json: looks === 1 ? { ...started, done: 100_000 } : { ...started, ...end } };
    }
    const dry_run = (body as { dry_run?: boolean }).dry_run === true;
    const reply = { action: 'cancel', dry_run, matched: MANY, refused: {} };
    return { json: dry_run ? { ...reply, changed: MANY, jobs: '1-10000', operation: null } : { ...reply, changed: 0, jobs: '', operation: started } };
  };
  return { answer, looks: () => looks };
}

function retryable(code: string, status: number, detail: string): Reply {
  const reply = problem(code, status, detail);
  return { ...reply, json: { ...(reply.json as object), retryable: true } };
}

const ended = { state: 'done', done: MANY, changed: MANY - 1, refused: { job_ended: 1 }, finished_at: '2026-11-21T08:31:00.000Z' };

test('cancelling very many jobs waits for the end and tells it', async () => {
  const { answer, looks } = operating(ended);
  const stage = await staged(answer);
  const { code, stdout, stderr } = await stage.drover('job', 'cancel', '-e', 'digits-tune', '--all', '--yes');
  expect({ code, stdout }).toEqual({ code: 0, stdout: 'Cancelled 249,999 jobs: digits-tune; 1 had already ended\n' });
  expect(stderr).toContain('cancel digits-tune: 250,000/250,000');
  expect(looks()).toBe(2);
});

test('a server that is away for a moment does not end the wait', async () => {
  let looks = 0;
  const operations = operating(ended);
  const stage = await staged((call) => {
    if (!call.path.includes('/operations/')) return operations.answer(call);
    looks += 1;
    return looks === 2 ? retryable('unavailable', 503, 'The server is busy.') : operations.answer(call);
  });
  const { code, stdout } = await stage.drover('job', 'cancel', '-e', 'digits-tune', '--all', '--yes');
  expect({ code, stdout }).toEqual({ code: 0, stdout: 'Cancelled 249,999 jobs: digits-tune; 1 had already ended\n' });
  expect(looks).toBeGreaterThan(2);
});

test('as JSON it is the reply with the operation as it ended', async () => {
  const stage = await staged(operating(ended).answer);
  const { stdout } = await stage.drover('job', 'cancel', '-e', 'digits-tune', '--all', '--yes', '--json');
  expect(JSON.parse(stdout)).toMatchObject([{ experiment: 'digits-tune', matched: MANY, changed: MANY - 1, operation: { id: 3, state: 'done', done: MANY } }]);
});

test('a preview of very many names the first of them', async () => {
  const stage = await staged(operating(ended).answer);
  const { stdout } = await stage.drover('job', 'cancel', '-e', 'digits-tune', '--all', '--dry-run');
  expect(stdout).toBe('Would cancel 250,000 jobs: digits-tune/1-10000, …\n');
});

test('one that failed is an error', async () => {
  const stage = await staged(operating({ state: 'failed', done: 5_000, problem: 'The experiment was deleted.' }).answer);
  const { code, stderr } = await stage.drover('job', 'cancel', '-e', 'digits-tune', '--all', '--yes');
  expect(code).toBe(3);
  expect(stderr).toContain('It ended after 5,000 jobs: The experiment was deleted.');
});

test('Ctrl-C leaves it to go on', async () => {
  const stage = await staged(({ path, ...call }) => {
    if (path.includes('/operations/')) setImmediate(() => stage.interrupt());
    return path.includes('/operations/') ? { json: started } : operating({}).answer({ path, ...call });
  });
  const { code, stderr } = await stage.drover('job', 'cancel', '-e', 'digits-tune', '--all', '--yes');
  expect(code).toBe(130);
  expect(stderr).toContain('Operation 3 of digits-tune goes on in the background.');
});
