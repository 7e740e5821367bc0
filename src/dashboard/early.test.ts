import { expect, test } from 'vitest';

import { contract, createClient } from '../contract/index.ts';
import { JOB_STATUSES } from '../core/job.ts';
import { firstQuestions, secondQuestions } from './early.ts';
import { jobsQuery, readJobsSearch } from './jobs/jobs-search.ts';
import { FIRST_BYTES } from './log/stream-log.ts';
import { parseSearch } from './search-params.ts';

/** The addresses that the client of the pages asks for. */
async function asked(ask: (client: ReturnType<typeof createClient>) => readonly Promise<unknown>[]): Promise<string[]> {
  const urls: string[] = [];
  const client = createClient(contract, {
    base_url: '',
    fetch: (url) => {
      urls.push(url);
      return Promise.reject(new Error('nobody answers'));
    },
  });
  await Promise.allSettled(ask(client));
  return urls;
}

test('what is asked early is what the pages ask for', async () => {
  const params = { experiment: 'tune' };
  expect(firstQuestions('/', '')).toEqual(await asked((client) => [client.access.whoami({}), client.experiments.list({})]));
  expect(firstQuestions('/experiments/tune/jobs/7', '?attempt=2')).toEqual(
    await asked((client) => [client.access.whoami({}), client.jobs.get({ params: { ...params, number: 7 } })]),
  );
  for (const search of ['', ...JOB_STATUSES.map((status) => `?status=${status}`), '?status=pending&columns=status,duration&job=3']) {
    const query = jobsQuery(readJobsSearch(parseSearch(search)));
    const wanted = await asked((client) => [client.access.whoami({}), client.experiments.get({ params }), client.jobs.list({ params, query })]);
    expect(firstQuestions('/experiments/tune/jobs', search)).toEqual(wanted);
  }
});

test('the end of the newest output is asked for as the viewer of logs asks for it', async () => {
  const path = '/experiments/tune/jobs/7';
  const answer = { attempts: [{ attempt: 1 }, { attempt: 3 }, { attempt: 2 }] };
  const end = { from: -FIRST_BYTES, length: FIRST_BYTES };
  const wanted = await asked((client) =>
    (['stdout', 'stderr'] as const).map((stream) => client.results.log({ params: { experiment: 'tune', number: 7 }, query: { attempt: 3, stream, ...end } })),
  );
  expect(secondQuestions(path, '', answer)).toEqual(wanted);
  expect(secondQuestions(path, '?attempt=1', answer)).toEqual([]);
  expect(secondQuestions(path, '', { attempts: [] })).toEqual([]);
  expect(secondQuestions('/experiments/tune/jobs', '', { jobs: [] })).toEqual([]);
});

test('where an address says more of the list than is known early, its rows are left to the page', () => {
  for (const search of ['?search=lr', '?sort=status', '?cursor=abc', '?size=100', '?matrix=4', '?status=ended']) {
    expect(firstQuestions('/experiments/tune/jobs', search)).toEqual(['/api/v1/session', '/api/v1/experiments/tune']);
  }
  expect(firstQuestions('/experiments/tune/charts', '')).toEqual(['/api/v1/session', '/api/v1/experiments/tune']);
  expect(firstQuestions('/login', '?to=/')).toEqual([]);
});
