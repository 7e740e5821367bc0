// Text from jobs and people is never HTML: whatever it says stands on the page as it is, and runs nothing.
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';

import type { Page } from 'playwright-core';
import { expect } from 'vitest';

import type { TestServer } from '../support/drover.ts';
import { apiOf } from '../support/drover.ts';
import { browserTest, reads, rows } from '../support/browser.ts';
import { createExperiment } from '../support/experiment.ts';

/** Were any of it taken for HTML, the console or the policy would tell. */
const IMG = `<img src=x onerror="heardByTest('image ran')">`;
const SCRIPT = `<script>heardByTest('script ran')</script>`;
const FILE = `<img src=x onerror=heardByTest(1)>.csv`;
const LINK = 'javascript:heardByTest(2)';
/** Where not much room is. */
const SHORT = '<img src=x onerror=heardByTest(3)>';

browserTest('hostile params, output, file names, messages and descriptions stay text on every page', async ({ server, admin, expects }) => {
  expects(/status of 422.*%3Cimg/);
  const experiment = await createExperiment(server, 'hostile');
  await server.api.experiments.change({ params: { experiment: 'hostile' }, body: { description: SCRIPT + IMG } });
  await experiment.add({ command: `echo '${IMG}'`, params: { image: IMG, script: SCRIPT, deep: [{ [IMG]: SCRIPT }], link: LINK } });
  await experiment.add({ command: 'true', params: { image: 'other' } });
  await runByHand(server, 'hostile');

  const page = await admin('/experiments/hostile/jobs/1');
  await reads(page.getByRole('region', { name: 'Parameters' }), new RegExp(`${escaped(IMG)}.*${escaped(SCRIPT)}`));
  await reads(page.getByRole('region', { name: 'Command' }), new RegExp(escaped(IMG)));
  const lines = page.locator('.dr-log-text');
  await reads(lines.nth(0), `${IMG}${SCRIPT}`);
  await reads(lines.nth(1), `red ${IMG}`);
  await reads(lines.nth(2), /linked/);
  expect(await page.locator('.dr-log-box a').count()).toBe(0);
  await reads(page.getByRole('alert'), new RegExp(escaped(SCRIPT)));
  await page.getByLabel('Search the log').fill('<img');
  await reads(page.locator('.dr-log-search [aria-live]'), '1/2');
  await page.locator('.dr-chart canvas').waitFor();
  await reads(page.locator('.dr-chart figcaption'), new RegExp(escaped(IMG)));
  await page.locator('.dr-chart canvas').hover();
  await page.getByRole('button', { name: `Look into ${FILE}` }).click();
  await reads(page.getByRole('dialog').getByRole('table'), new RegExp(escaped(SCRIPT)));
  await nothingRan(page);

  await page.goto(`${server.url}/experiments/hostile/jobs?search=onerror`);
  await reads(rows(page).locator('[data-column=params]'), new RegExp(escaped(IMG)));
  await rows(page).locator('[data-column=status] .dr-status').hover();
  await page.getByRole('tooltip').getByText(SCRIPT).waitFor();
  await page.getByText(SCRIPT + IMG).waitFor();
  await nothingRan(page);

  await page.goto(`${server.url}/experiments/hostile/jobs?add=true`);
  await page.getByLabel('Name of parameter 1').fill('x');
  await page.getByLabel('Values of parameter 1').fill(`${IMG}, 1`);
  await reads(page.locator('.dr-preview'), /2 jobs/);
  await page.getByRole('dialog').getByText('JSON', { exact: true }).click();
  await reads(page.locator('.dr-editor-text'), /<img src=x/);
  await nothingRan(page);

  for (const path of ['/', '/experiments/hostile/workers', '/experiments/hostile/settings', `/experiments/${encodeURIComponent(IMG)}`, `/${SCRIPT}`]) {
    await page.goto(server.url + path);
    await page.getByRole('main').locator(':scope > *').first().waitFor();
    await nothingRan(page);
  }
  await page.goto(`${server.url}/login?to=${encodeURIComponent(LINK)}`);
  await page.getByRole('heading', { name: 'Sign in to Drover' }).waitFor();
  await nothingRan(page);
});

interface Sight {
  readonly path: string;
  /** Resolves when the page shows what is hostile: as the text that it is. */
  readonly shows: (page: Page) => Promise<unknown>;
}

const shown = (page: Page, text: string): Promise<unknown> => page.getByText(text).first().waitFor();

/** By their path in routes.tsx: a page that is missing here fails the test. */
const PAGES: Readonly<Record<string, readonly Sight[]>> = {
  '/login': [{ path: `/login?to=${encodeURIComponent(LINK)}`, shows: (page) => page.getByRole('heading', { name: 'Sign in to Drover' }).waitFor() }],
  '/': [{ path: '/', shows: (page) => shown(page, SCRIPT + IMG) }],
  '/experiments/$experiment': [{ path: `/experiments/${encodeURIComponent(IMG)}`, shows: (page) => shown(page, IMG) }],
  '/machines': [{ path: '/machines', shows: (page) => page.getByRole('heading', { name: 'Machines' }).waitFor() }],
  jobs: [
    { path: '/experiments/hostile-3/jobs', shows: (page) => shown(page, SCRIPT + IMG) },
    {
      path: `/experiments/hostile-3/jobs?search=${encodeURIComponent(SHORT)}`,
      shows: (page) => shown(page, 'No job fits this filter'),
    },
    {
      path: `/experiments/hostile-3/jobs?columns=${encodeURIComponent(`status,message,param:image,metric:${IMG.replaceAll(/[%,]/g, encodeURIComponent)}`)}`,
      shows: async (page) => {
        await reads(page.locator('thead'), new RegExp(escaped(IMG)));
        await reads(page.locator('[data-column="param:image"]').last(), IMG);
        await page.getByRole('button', { name: 'Saved views' }).click();
        await page.getByRole('link', { name: SHORT }).waitFor();
        await page.getByRole('button', { name: `Rename ${SHORT}` }).click();
        await page.getByLabel(`New name of ${SHORT}`).waitFor();
      },
    },
  ],
  workers: [
    { path: `/experiments/hostile-3/workers?search=${encodeURIComponent(SHORT)}`, shows: (page) => page.locator(`main input[value="${SHORT}"]`).waitFor() },
    {
      path: '/experiments/hostile-3/workers?state=disabled',
      shows: async (page) => {
        await reads(page.locator('[data-column=Version]').last(), SHORT);
        await page.getByRole('button', { name: 'Disabled' }).first().hover();
        await reads(page.getByRole('tooltip'), new RegExp(escaped(SHORT)));
        await page
          .getByRole('link', { name: /^Details of/ })
          .last()
          .click();
        await reads(page.getByRole('dialog'), new RegExp(escaped(SHORT)));
        await nothingRan(page);
        await page.getByRole('dialog').getByRole('link', { name: 'History' }).click();
        await reads(page.getByRole('list', { name: 'History, newest first' }), new RegExp(escaped(SHORT)));
      },
    },
  ],
  matrices: [{ path: '/experiments/hostile-3/matrices', shows: (page) => shown(page, JSON.stringify(SHORT)) }],
  charts: [
    { path: '/experiments/hostile-3/charts?split=worker', shows: (page) => page.locator('.dr-figure canvas').nth(2).waitFor() },
    {
      path: '/experiments/hostile-3/charts?view=machines&param=image',
      shows: async (page) => {
        await page.getByRole('button', { name: 'Failures by parameter as a table' }).click();
        await shown(page, IMG);
      },
    },
    {
      path: '/experiments/hostile-3/charts?view=results',
      shows: async (page) => {
        await reads(page.getByRole('region', { name: 'Best jobs', exact: true }).getByRole('table'), new RegExp(escaped(IMG)));
        await page.locator('.dr-figure canvas').first().hover();
      },
    },
  ],
  compare: [
    {
      path: '/experiments/hostile-3/compare?jobs=1-2&all=true',
      shows: async (page) => {
        await reads(page.getByRole('region', { name: 'Compared jobs' }), new RegExp(`${escaped(IMG)}.*${escaped(SHORT)}`, 's'));
        await page.locator('.dr-figure canvas').first().hover();
      },
    },
  ],
  settings: [
    {
      path: '/experiments/hostile-3/settings',
      shows: (page) =>
        page
          .getByRole('table', { name: /^Variables/ })
          .getByText(SCRIPT + IMG)
          .waitFor(),
    },
  ],
  'jobs/$number': [
    {
      path: '/experiments/hostile-3/jobs/1',
      shows: async (page) => {
        for (const name of ['Parameters', 'Command']) await reads(page.getByRole('region', { name }), new RegExp(escaped(IMG)));
        await reads(page.getByRole('region', { name: 'History' }), new RegExp(`key:${escaped(SHORT)}`));
        await reads(page.getByRole('main'), new RegExp(`Tags.*${escaped(SHORT)}`));
      },
    },
  ],
};

browserTest('every page there is, for somebody whose key has a hostile name, with a worker that has one too', async ({ server, admin, expects }) => {
  expects(/status of (404|422)/);
  const source = readFileSync(resolve(import.meta.dirname, '../../src/dashboard/routes.tsx'), 'utf8');
  const routes = [...source.matchAll(/\bpath: '([^']+)'/g)].map((match) => match[1]!);
  expect(Object.keys(PAGES).toSorted()).toEqual([...new Set(routes)].toSorted());

  const { key } = await server.api.access.createKey({ body: { name: SHORT, role: 'admin' } });
  const hostile = { ...server, api: apiOf(server.url, key), key };
  const experiment = await createExperiment(hostile, 'hostile-3');
  await hostile.api.experiments.change({ params: { experiment: 'hostile-3' }, body: { description: SCRIPT + IMG } });
  await hostile.api.jobs.create({
    params: { experiment: 'hostile-3' },
    body: { jobs: [{ params: { image: IMG, script: SCRIPT } }], command: `echo '${IMG}'`, tags: [SHORT] },
  });
  await hostile.api.views.create({ params: { experiment: 'hostile-3' }, body: { name: SHORT, view: { search: IMG, columns: [`metric:${IMG}`] } } });
  await hostile.api.variables.set({ params: { experiment: 'hostile-3', name: 'TEXT' }, body: { value: SCRIPT + IMG } });
  await runByHand(hostile, 'hostile-3');
  await hostile.api.jobs.bulk({ params: { experiment: 'hostile-3' }, body: { action: 'requeue', filter: { search: 'image' } } });
  await runByHand(hostile, 'hostile-3');
  expect(await experiment.all()).toHaveLength(1);
  await hostile.api.jobs.create({ params: { experiment: 'hostile-3' }, body: { matrix: { image: [SHORT, IMG], other: [1] }, command: SCRIPT, held: true } });

  const page = await admin('/');
  for (const sights of Object.values(PAGES)) {
    for (const { path, shows } of sights) {
      await page.goto(server.url + path);
      await shows(page);
      await nothingRan(page);
    }
  }
});

browserTest('an uploaded page is downloaded, not shown as one of ours', async ({ server, admin }) => {
  const experiment = await createExperiment(server, 'hostile-2');
  await experiment.add({ command: 'true' });
  await runByHand(server, 'hostile-2');
  const page = await admin('/experiments/hostile-2/jobs/1');
  const file = page.getByRole('region', { name: 'Files' }).getByRole('link', { name: 'page.html', exact: true });
  const address = await file.getAttribute('href');
  const reply = await page.request.get(server.url + address!);
  expect(reply.headers()).toMatchObject({ 'x-content-type-options': 'nosniff', 'content-disposition': expect.stringMatching(/^attachment/) });
  expect(reply.headers()['content-security-policy']).toContain('sandbox');
});

async function nothingRan(page: Page): Promise<void> {
  expect(await page.locator('img[src=x]').count()).toBe(0);
  expect(await page.locator('script:not([src])').count()).toBe(0);
  const alive = 'a[href^="javascript:" i], iframe, object, embed, base, [onerror], [onload], [onclick], form[action^="http"]';
  expect(await page.locator(alive).count()).toBe(0);
}

function escaped(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');
}

/** An agent that speaks the protocol by itself and reports what no honest one would. */
async function runByHand(server: TestServer, experiment: string): Promise<void> {
  const body = {
    host: 'evil',
    instance: 'egg',
    experiments: [experiment],
    workers: 1,
    total: { cpus: 1, memory_bytes: 1e9, gpus: 0 },
    version: SHORT,
    platform: IMG,
  };
  const { secret } = await server.api.agents.register({ body });
  const agent = apiOf(server.url, secret);
  const now = (): string => new Date().toISOString();
  const sync = (sync_seq: number, more: object) => {
    const free = { cpus: 1, memory_bytes: 1e9, gpus: 0 };
    return agent.agents.sync({
      body: { incarnation: 'a', sync_seq, sent_at: now(), wait_seconds: 0, free_slots: [], free, running: [], finished: [], ...more },
    });
  };
  const { leases } = await sync(1, { free_slots: [0] });
  const { job_id, attempt, rank, token } = leases[0]!;
  const reference = { job_id, attempt, rank, token };
  const text = `${IMG}${SCRIPT}\n\u001b[31mred ${IMG}\u001b[0m\n\u001b]8;;${LINK}\u0007linked\u001b]8;;\u0007\n`;
  const chunk = { ...reference, stream: 'stdout' as const, offset: 0, at: now(), data: Buffer.from(text).toString('base64') };
  await agent.agents.logs({ body: { sent_at: now(), chunks: [chunk] } });
  const points = [0, 1].map((step) => ({ offset: step, name: IMG, value: step, step, at: now() }));
  await agent.agents.metrics({ body: { sent_at: now(), batches: [{ ...reference, from: 0, to: 2, points }] } });
  const bearer = { authorization: `Bearer jdt_${job_id}.${attempt}.${rank}.${token}` };
  const put = async (name: string, content: string): Promise<void> => {
    const reply = await fetch(`${server.url}/api/v1/attempt/artifacts/${encodeURIComponent(name)}`, { method: 'PUT', headers: bearer, body: content });
    expect(reply.status, await reply.text()).toBeLessThan(300);
  };
  await put(FILE, `a,b\n${SCRIPT},${IMG.replaceAll('"', '')}\n`);
  await put('page.html', SCRIPT);
  await sync(2, {
    finished: [{ ...reference, outcome: 'failed', exit_code: 1, message: `${SCRIPT} broke`, started_at: now(), finished_at: now(), duration_ms: 1 }],
  });
  await agent.agents.leave({ body: { incarnation: 'a', reason: SHORT } });
}
