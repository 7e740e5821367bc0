// The dashboard in Chromium, on an experiment with very many jobs and on a job with a very long log: when its pages are there, how long
// what one does to them takes until it is seen, and what memory the browser holds.
import { chromium } from 'playwright-core';

import { CHROMIUM_MISSING, findChromium } from '../chromium.mjs';
import { counts, createExperiment, createMatrix } from './experiment.mjs';
import { line, percentile } from './figures.mjs';
import { largeMatrix } from './million.mjs';

const EXPERIMENT = 'large';
const LOGGED = 'logged';
const FLAGS = ['--headless', '--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking'];

const PAINT = { below: 1_000 };
const INTERACTION = { below: 100 };

/** What a person does on the page of jobs: who is asked to do it, and how one sees that it is done. Both run in the page. */
const DEEDS = [
  { id: 'next', title: 'The next page of jobs', click: '[aria-label="Next page"]', seen: 'first row changes' },
  { id: 'status', title: 'Jobs of one status', click: 'a.dr-stat[data-kind="pending"]', seen: 'address says status=pending' },
  { id: 'open', title: 'A job', click: 'table.dr-job-table tbody tr td[data-column="params"]', seen: 'job is there' },
];

export const DASHBOARD = {
  name: 'dashboard',
  title: 'The dashboard in Chromium',
  async run(stage, plan, { emit, leaveOut }) {
    const program = findChromium();
    if (program === null) return leaveOut({ id: 'dashboard', title: this.title, reason: CHROMIUM_MISSING });
    const server = await stage.server('dashboard');
    await createExperiment(server, EXPERIMENT);
    await createMatrix(server, EXPERIMENT, { matrix: largeMatrix(plan.large) });
    const { total } = await counts(server, EXPERIMENT);
    const browser = await chromium.launch({ executablePath: program, headless: true, args: FLAGS, env: { ...process.env, HOME: stage.path('home') } });
    try {
      await jobsPage(browser, { server, plan, emit, jobs: total });
      await longLog(browser, { stage, server, plan, emit });
    } finally {
      await browser.close();
    }
    await server.stop();
  },
};

/** A person who is signed in, with a browser that has visited nothing yet. */
async function visitor(browser, server) {
  const context = await browser.newContext({ viewport: { width: 1_280, height: 800 }, reducedMotion: 'reduce' });
  const { path } = await server.api.call('POST', '/login-links', {});
  const reply = await context.request.post(`${server.url}/api/v1/login`, { data: { link_token: path.split('#link=')[1] } });
  if (reply.status() !== 200) throw new Error(`The login was answered with ${reply.status()}.`);
  return context;
}

async function jobsPage(browser, { server, plan, emit, jobs }) {
  const [first, again] = [[], []];
  const taken = new Map(DEEDS.map(({ id }) => [id, []]));
  const memory = [];
  for (let round = 0; round < plan.visits; round += 1) {
    const context = await visitor(browser, server);
    const page = await context.newPage();
    const url = `${server.url}/experiments/${EXPERIMENT}/jobs`;
    first.push(await painted(page, url, 'table.dr-job-table tbody tr'));
    again.push(await painted(page, url, 'table.dr-job-table tbody tr'));
    for (const { id, click, seen } of DEEDS) taken.get(id).push(await page.evaluate(DO_AND_SEE, { click, seen }));
    memory.push(await heapMegabytes(page));
    await context.close();
  }
  const of = `of ${jobs.toLocaleString('en-US')} jobs`;
  emit(line('dashboard.first_paint', `Jobs page ${of}, first visit: rows are there`, 'ms', { rounds: first, aim: PAINT }));
  emit(line('dashboard.paint', `Jobs page ${of}, later visits`, 'ms', { rounds: again, aim: PAINT }));
  for (const { id, title } of DEEDS) emit(line(`dashboard.${id}`, `${title}, until it is seen`, 'ms', { rounds: taken.get(id), aim: INTERACTION }));
  emit(line('dashboard.memory', 'Heap of the page', 'MB', { rounds: memory }));
}

async function longLog(browser, { stage, server, plan, emit }) {
  await createExperiment(server, LOGGED);
  const agent = await stage.agent(server, { workers: 1, experiment: LOGGED });
  const command = `yes 'epoch 12 of 100, loss 0.4213, accuracy 0.8721, learning rate 0.001' | head -c ${plan.log_bytes}`;
  await server.api.call('POST', `/experiments/${LOGGED}/jobs`, { command, jobs: [{ params: {} }] });
  await settled(server);
  const context = await visitor(browser, server);
  const page = await context.newPage();
  const paint = await painted(page, `${server.url}/experiments/${LOGGED}/jobs/1`, '.dr-log-line');
  const jumps = [];
  for (let at = 0; at < plan.jumps; at += 1) jumps.push(await page.evaluate(JUMP_AND_SEE, ((at * 7_919) % 1_000) / 1_000));
  const size = `a log of ${(plan.log_bytes / 1e6).toLocaleString('en-US')} MB`;
  emit(line('dashboard.log_paint', `Page of a job with ${size}: its last lines are there`, 'ms', { rounds: [paint], aim: PAINT }));
  emit(
    line('dashboard.log_jump', 'A jump in what is loaded of it, until lines are seen, p95', 'ms', {
      rounds: jumps,
      value: percentile(jumps, 95),
      aim: INTERACTION,
    }),
  );
  emit(line('dashboard.log_memory', 'Heap of that page', 'MB', { rounds: [await heapMegabytes(page)], aim: { below: 200 } }));
  await context.close();
  await agent.stop();
}

/** The job has ended and its whole log has arrived. */
async function settled(server) {
  for (;;) {
    const { job } = await server.api.call('GET', `/experiments/${LOGGED}/jobs/1`);
    if (job.status === 'done') return;
    if (job.status === 'aborted') throw new Error(`The job that writes the log was aborted: ${job.message}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** Milliseconds from the beginning of the visit until an element of this kind has been painted. */
async function painted(page, url, selector) {
  await page.goto(url, { waitUntil: 'commit' });
  return page.evaluate(async (wanted) => {
    const frame = () => new Promise((resolve) => requestAnimationFrame(resolve));
    while (document.querySelector(wanted) === null) await frame();
    await frame();
    return performance.now();
  }, selector);
}

/** Runs in the page. */
async function DO_AND_SEE({ click, seen }) {
  const frame = () => new Promise((resolve) => requestAnimationFrame(resolve));
  const firstRow = () => document.querySelector('table.dr-job-table tbody tr')?.textContent;
  const isDone = {
    'first row changes': (
      (before) => () =>
        firstRow() !== before
    )(firstRow()),
    'address says status=pending': () =>
      new URL(location.href).searchParams.get('status') === 'pending' && document.querySelector('table.dr-job-table[aria-busy="false"]') !== null,
    'job is there': () => document.querySelector('.dr-job') !== null,
  }[seen];
  const element = document.querySelector(click);
  if (element === null) throw new Error(`There is nothing like ${click} on the page.`);
  const began = performance.now();
  element.click();
  do await frame();
  while (!isDone());
  return performance.now() - began;
}

/** Runs in the page. */
async function JUMP_AND_SEE(share) {
  const frame = () => new Promise((resolve) => requestAnimationFrame(resolve));
  const box = document.querySelector('.dr-log-box');
  const { top, bottom } = box.getBoundingClientRect();
  const shown = () =>
    [...box.querySelectorAll('.dr-log-line')].some((one) => one.getBoundingClientRect().bottom > top && one.getBoundingClientRect().top < bottom);
  const began = performance.now();
  box.scrollTop = share * (box.scrollHeight - box.clientHeight);
  do await frame();
  while (!shown());
  return performance.now() - began;
}

async function heapMegabytes(page) {
  const session = await page.context().newCDPSession(page);
  await session.send('HeapProfiler.collectGarbage');
  const { usedSize } = await session.send('Runtime.getHeapUsage');
  return usedSize / 1e6;
}
