// Jobs as a file: what stands in it, whatever jobs are called, and how it is sent.
import { afterEach, beforeEach, expect, it } from 'vitest';

import { LIMITS } from '../../core/limits.ts';
import { expectProblem, type TestApp } from '../test-app.suite.ts';

import { EXPERIMENT, NOW, openRunningJob, type RunningJob } from './running-job.suite.ts';

const PATH = `/api/v1/experiments/${EXPERIMENT}/export`;
const params = { experiment: EXPERIMENT };

let running: RunningJob;
let server: TestApp;

beforeEach(async () => {
  running = await openRunningJob();
  ({ server } = running);
});
afterEach(() => server.close());

async function lines(query: string): Promise<string[]> {
  const response = await server.send(`${PATH}?${query}`);
  expect(response.status).toBe(200);
  return (await response.text()).split('\r\n');
}

async function logLoss(): Promise<void> {
  const points = [
    { offset: 0, name: '=loss', value: 0.5, step: 0, at: NOW },
    { offset: 10, name: 'odd', value: 'NaN' as const, step: 0, at: NOW },
  ];
  await server.client(running.agent_key).agents.metrics({ body: { sent_at: NOW, batches: [{ ...running.attempt, from: 0, to: 20, points }] } });
}

it('has a column for each param and each metric, and no cell that a spreadsheet would run', async () => {
  await logLoss();
  const jobs = [
    { lr: -0.1, note: '=HYPERLINK("http://x","y")', list: [1, 'a'] },
    { lr: 'two, three', none: null },
  ];
  await server.client().jobs.create({ params, body: { jobs: jobs.map((each) => ({ params: each })), tags: ['+best', 'b'], command: 'true' } });
  const [head, running_line, first, second, end] = await lines('metric=%3Dloss&metric=odd');
  expect(head).toBe(
    'number,status,params.list,params.lr,params.none,params.note,metrics.=loss,metrics.odd,outcome,attempts,duration_seconds,created_at,started_at,finished_at,' +
      'worker_id,machine_class,priority,tags,matrix_id,progress_done,progress_total,exit_code,signal,message,results_dir',
  );
  expect(running_line).toMatch(/^42,running,,,,,0\.5,NaN,,1,/);
  expect(first).toMatch(/^\d+,pending,"\[1,""a""\]",-0\.1,,"'=HYPERLINK\(""http:\/\/x"",""y""\)",,,,0,,2026-01-01T00:00:00\.000Z,,,,,0,"'\+best, b",,/);
  expect(second).toMatch(/^\d+,pending,,"two, three",null,,/);
  expect(end).toBe('');
});

it('is a file with a name of its own, harmless, with the mark when it is asked for', async () => {
  const response = await server.send(`${PATH}?mark=true`);
  expect(response.headers.get('content-type')).toBe('text/csv; charset=utf-8');
  expect(response.headers.get('content-disposition')).toContain(`filename="${EXPERIMENT}-jobs.csv"`);
  expect(response.headers.get('x-content-type-options')).toBe('nosniff');
  expect(new Uint8Array(await response.arrayBuffer()).subarray(0, 3)).toEqual(new Uint8Array([0xef, 0xbb, 0xbf]));
  expect((await lines('status=done')).slice(1)).toEqual(['']);
});

it('gives JSON lines as the list gives jobs, with the metrics that were asked for', async () => {
  await logLoss();
  const response = await server.client().jobs.export({ params, query: { format: 'jsonl', metric: ['=loss', 'odd', 'none'], numbers: '1-50' } });
  expect(response.headers.get('content-disposition')).toContain('.jsonl');
  const { job } = await server.client().jobs.get({ params: { ...params, number: 42 } });
  expect(JSON.parse(await response.text())).toEqual({ ...job, metrics: { '=loss': 0.5, odd: 'not_finite', none: null } });
});

it('sends more jobs than a page holds, each once, and stops reading when nobody listens', async () => {
  const many = 2_500;
  await server.client().jobs.create({ params, body: { jobs: [{ params: { a: 1 } }], times: many } });
  const numbers = (await lines('')).slice(1, -1).map((line) => Number(line.split(',')[0]));
  expect(numbers).toHaveLength(many + 1);
  expect(numbers).toEqual([...new Set(numbers)].sort((a, b) => a - b));
  const reader = (await server.send(PATH)).body!.getReader();
  await reader.read();
  await reader.cancel();
});

it('refuses before the first byte', async () => {
  await expectProblem(await server.send(`${PATH}?search=lr%3Eabc`), 422, 'invalid_input');
  await expectProblem(await server.send(`${PATH}?format=xlsx`), 422, 'invalid_input');
  const names = Array.from({ length: 5 }, (_, part) => Object.fromEntries(Array.from({ length: 401 }, (_each, index) => [`p${part}_${index}`, 1])));
  expect(names.length * 401).toBeGreaterThan(LIMITS.export_params.value);
  await server.client().jobs.create({ params, body: { jobs: names.map((each) => ({ params: each })) } });
  await expectProblem(await server.send(PATH), 422, 'too_many');
  expect((await server.client().jobs.export({ params, query: { format: 'jsonl' } })).status).toBe(200);
});
