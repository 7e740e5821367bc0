// `node scripts/screenshots.mjs`: makes the pictures of the README again, from a real `drover up --example digits` in a directory of its own.
import { spawn } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { chromium } from 'playwright-core';

import { CHROMIUM_MISSING, findChromium } from './chromium.mjs';
import { setUp } from './setup.mjs';
import { ROOT, StepFailed, main } from './step.mjs';

const IMAGES = join(ROOT, 'docs/images');
const EXPERIMENT = '/experiments/digits-tune/jobs';
const RESULTS = '/experiments/digits-tune/charts?view=results&metric=validation_accuracy&goal=maximise&log=learning_rate';
const SWEEP_MS = 600_000;
const LARGEST_BYTES = 300_000;
const WAIT_MS = 120_000;
const MOMENT_MS = 4_000;
const MOST_TRIES = 15;

await main(async () => {
  await setUp();
  const executablePath = findChromium();
  if (executablePath === null) fail(CHROMIUM_MISSING);
  const directory = mkdtempSync(join(tmpdir(), 'drover-'));
  const drover = await startDrover(directory);
  const browser = await chromium.launch({ executablePath, headless: true, args: ['--no-sandbox', '--disable-gpu', '--hide-scrollbars'] });
  try {
    const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, colorScheme: 'light', reducedMotion: 'reduce', locale: 'en-GB' });
    const page = await context.newPage();
    page.setDefaultTimeout(WAIT_MS);
    await page.goto(drover.link);
    await page.locator('.dr-experiment').waitFor();
    mkdirSync(IMAGES, { recursive: true });
    await takeExperiment(page, new URL(drover.link).origin);
    await takeJob(page, new URL(drover.link).origin);
    await takeResults(page, new URL(drover.link).origin);
  } finally {
    await browser.close();
    await drover.stop();
    rmSync(directory, { recursive: true, force: true });
  }
});

/** From a copy, so that no path of this machine stands in the commands of the jobs. */
async function startDrover(directory) {
  const copy = join(directory, 'drover');
  for (const part of ['dist', 'examples', 'package.json']) cpSync(join(ROOT, part), join(copy, part), { recursive: true });
  symlinkSync(join(ROOT, 'node_modules'), join(copy, 'node_modules'));
  const env = { PATH: process.env.PATH, HOME: directory, TMPDIR: directory, NO_COLOR: '1' };
  const port = String(await freePort());
  const child = spawn(process.execPath, [join(copy, 'dist/main.js'), 'up', '--example', 'digits', '--port', port], { cwd: directory, env });
  const exited = new Promise((resolve) => child.once('exit', resolve));
  const link = await new Promise((resolve, reject) => {
    let output = '';
    const read = (piece) => {
      output += piece;
      const found = /Dashboard\s+(http\S+)/.exec(output);
      if (found !== null) resolve(found[1]);
    };
    child.stdout.on('data', read);
    child.stderr.on('data', read);
    void exited.then(() => reject(new Error(`Drover ended:\n${output}`)));
  });
  return {
    link,
    async stop() {
      child.kill('SIGINT');
      await exited;
    },
  };
}

async function freePort() {
  const server = createServer();
  await new Promise((listening) => server.listen(0, '127.0.0.1', listening));
  const { port } = server.address();
  await new Promise((closed) => server.close(closed));
  return port;
}

/** In the middle of the sweep: a few are done, two run. */
async function takeExperiment(page, origin) {
  const address = `${origin}${EXPERIMENT}?sort=started_at&order=desc`;
  await page.goto(address);
  await page.waitForFunction(() => Number(document.querySelector('a.dr-stat[data-kind=done] .dr-stat-count')?.textContent) >= 8);
  // The list keeps its rows in place while one reads it, so a fresh one is needed to have the newest at its top.
  for (let tries = 0; !(await isGoodMoment(page)); tries += 1) {
    if (tries === MOST_TRIES) fail('The sweep had no moment with two jobs well under way.');
    await page.goto(address);
  }
  await take(page, 'experiment.png');
}

/** The two that run are in the list and have come some way, and the time that is left is known. */
async function isGoodMoment(page) {
  const look = () => {
    const bars = [...document.querySelectorAll('.dr-job-table tr:nth-child(-n + 3) .dr-mini-bar')].filter((bar) => Number.parseInt(bar.textContent, 10) >= 10);
    const running = document.querySelector('a.dr-stat[data-kind=running] .dr-stat-count')?.textContent;
    return running === '2' && bars.length === 2 && / left/.test(document.body.textContent) && document.querySelector('.dr-news') === null;
  };
  return page.waitForFunction(look, undefined, { timeout: MOMENT_MS }).then(
    () => true,
    () => false,
  );
}

/** A job that has ended, with its output, curves and files. */
async function takeJob(page, origin) {
  await page.setViewportSize({ width: 1280, height: 1080 });
  await page.goto(`${origin}${EXPERIMENT}?status=done&sort=number&order=desc`);
  await page.locator('[data-row-link]').first().click();
  await page.locator('.dr-chart canvas').nth(1).waitFor();
  await page.locator('.dr-files').waitFor();
  await page.mouse.move(0, 0);
  await take(page, 'job.png');
}

/** What came out of the whole sweep. */
async function takeResults(page, origin) {
  await page.goto(`${origin}${EXPERIMENT}`);
  const over = () => {
    const count = (kind) => document.querySelector(`a.dr-stat[data-kind=${kind}] .dr-stat-count`)?.textContent;
    return count('total') !== undefined && count('total') === count('done');
  };
  await page.waitForFunction(over, undefined, { timeout: SWEEP_MS });
  await page.goto(origin + RESULTS);
  await page.locator('.dr-figure canvas').nth(2).waitFor();
  await page.mouse.move(0, 0);
  await take(page, 'results.png');
}

async function take(page, name) {
  const path = join(IMAGES, name);
  await page.screenshot({ path });
  const { size } = statSync(path);
  if (size > LARGEST_BYTES) fail(`${name} has ${size} bytes; a README picture has at most ${LARGEST_BYTES}.`);
  process.stdout.write(`docs/images/${name}  ${Math.round(size / 1000)} kB\n`);
}

function fail(sentence) {
  process.stderr.write(`${sentence}\n`);
  throw new StepFailed(sentence);
}
