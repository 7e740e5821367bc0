// A browser test's scene: a real server, and people who look at it in Chromium, each with cookies of their own.
// Whatever a page tells its console, or breaks of the content security policy, fails the test unless the test expects it.
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

import { chromium, type Browser, type BrowserContextOptions, type Locator, type Page } from 'playwright-core';
import { afterAll, expect, test } from 'vitest';

import { openStage, type Stage, type TestServer } from './drover.ts';
import { eventually } from './eventually.ts';

/** A name under which the server is not on the machine of the browser, as far as the browser knows. */
export const OTHER_HOST = 'lab.example';

const FLAGS = [
  ...['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run'],
  ...['--disable-background-networking', '--disable-component-update', '--disable-sync', '--hide-scrollbars'],
  `--host-resolver-rules=MAP ${OTHER_HOST} 127.0.0.1`,
];
const OUTPUT = resolve(import.meta.dirname, '../../test-output');
export const SCREENSHOTS = join(OUTPUT, 'screenshots');
const FAILURES = join(OUTPUT, 'browser-failures');
const PATIENCE_MS = 15_000;

export interface Look {
  readonly scheme?: 'light' | 'dark';
  readonly width?: number;
  readonly height?: number;
}

export interface Scene {
  readonly stage: Stage;
  readonly server: TestServer;
  /** A person who has not signed in. */
  stranger(look?: Look): Promise<Page>;
  /** A person who came by a one-time link, with the rights of the admin. */
  admin(path: string, look?: Look): Promise<Page>;
  /** A path below the server that opens the dashboard once. */
  loginLink(): Promise<string>;
  /** What the console may say in this test without failing it. */
  expects(message: RegExp): void;
}

/** All tests of a file share one server: an experiment needs a name of its own. */
let shared: Promise<Shared> | null = null;
/** All files that one process of vitest runs share one Chromium. */
let chromiumRuns: Promise<Browser> | null = null;

interface Shared extends Parts {
  tellLogs(): void;
  close(): Promise<void>;
}

async function closeShared(): Promise<void> {
  const open = shared;
  shared = null;
  await (await open)?.close();
}

export function browserTest(name: string, play: (scene: Scene) => Promise<void>): void {
  // For each file anew, because this module is loaded once for all of them; the second call of a file finds nothing to do.
  afterAll(closeShared);
  // oxlint-disable-next-line vitest/valid-title -- it is a string
  test(name, async () => {
    shared ??= openShared();
    const parts = await shared;
    const scene = createScene(parts);
    try {
      await play(scene);
      expect(scene.complaints(), 'what the pages told their consoles').toEqual([]);
    } catch (error) {
      await keepPictures(parts.browser, name);
      parts.tellLogs();
      throw error;
    } finally {
      await Promise.all(parts.browser.contexts().map((context) => context.close()));
    }
  });
}

async function openShared(): Promise<Shared> {
  const undos: (() => Promise<void>)[] = [];
  const logs: (() => void)[] = [];
  const stage = openStage({ onTestFinished: (undo) => void undos.push(undo), onTestFailed: (tell) => void logs.push(tell) });
  chromiumRuns ??= launch();
  const [server, browser] = await Promise.all([stage.server(), chromiumRuns]);
  return {
    ...{ stage, server, browser },
    tellLogs: () => logs.forEach((tell) => tell()),
    async close() {
      for (const undo of undos) await undo();
    },
  };
}

/** It ends with this process. */
function launch(): Promise<Browser> {
  const executablePath = process.env['CHROMIUM_PATH'];
  if (executablePath === undefined) throw new Error('CHROMIUM_PATH is not set');
  const home = mkdtempSync(join(tmpdir(), 'drover-chromium-'));
  process.once('exit', () => rmSync(home, { recursive: true, force: true }));
  return chromium.launch({ executablePath, headless: true, args: FLAGS, env: { PATH: process.env['PATH'] ?? '', HOME: home } });
}

interface Parts {
  readonly stage: Stage;
  readonly server: TestServer;
  readonly browser: Browser;
}

function createScene({ stage, server, browser }: Parts): Scene & { complaints(): string[] } {
  const heard: string[] = [];
  const expected: RegExp[] = [];
  const loginLink = async (): Promise<string> => (await server.api.access.createLoginLink({})).path;
  const stranger = async (look: Look = {}): Promise<Page> => {
    const context = await browser.newContext(contextOptions(look));
    context.setDefaultTimeout(PATIENCE_MS);
    await context.exposeFunction('heardByTest', (message: string) => void heard.push(message));
    await context.addInitScript(reportViolations);
    const page = await context.newPage();
    page.on('console', (message) => {
      if (message.type() === 'error' || message.type() === 'warning') heard.push(`${message.type()}: ${message.text()} (${message.location().url})`);
    });
    page.on('pageerror', (error) => heard.push(`uncaught: ${error.message}`));
    page.on('dialog', (dialog) => {
      heard.push(`dialog: ${dialog.message()}`);
      void dialog.dismiss();
    });
    return page;
  };
  return {
    stage,
    server,
    stranger,
    loginLink,
    async admin(path, look) {
      const page = await stranger(look);
      const reply = await page.request.post(`${server.url}/api/v1/login`, { data: { link_token: (await loginLink()).split('#link=')[1] } });
      expect(reply.status()).toBe(200);
      await page.goto(server.url + path);
      await page.getByRole('heading', { level: 1 }).waitFor();
      return page;
    },
    expects: (message) => void expected.push(message),
    complaints: () => heard.filter((message) => !expected.some((pattern) => pattern.test(message))),
  };
}

function contextOptions({ scheme = 'light', width = 1280, height = 800 }: Look): BrowserContextOptions {
  const narrow = width < 600;
  return {
    ...{ colorScheme: scheme, viewport: { width, height }, reducedMotion: 'reduce', locale: 'en-GB', timezoneId: 'UTC', acceptDownloads: true },
    ...(narrow ? { hasTouch: true, isMobile: true } : {}),
  };
}

/** Runs in the page, before anything else. */
function reportViolations(): void {
  const tell = (window as unknown as { heardByTest: (message: string) => void }).heardByTest;
  document.addEventListener('securitypolicyviolation', (event) => tell(`policy: ${event.violatedDirective} ${event.blockedURI}`));
}

async function keepPictures(browser: Browser, name: string): Promise<void> {
  mkdirSync(FAILURES, { recursive: true });
  const pages = browser.contexts().flatMap((context) => context.pages());
  for (const [index, page] of pages.entries()) {
    const path = join(FAILURES, `${name.replaceAll(/[^\w]+/g, '-').slice(0, 80)}-${index + 1}.png`);
    await page.screenshot({ path, timeout: 5_000 }).catch(() => undefined);
  }
}

/** The text of an element becomes this. */
export async function reads(locator: Locator, text: string | RegExp): Promise<void> {
  await eventually(
    async () => {
      const found = ((await locator.textContent({ timeout: 2_000 })) ?? '').trim();
      if (typeof text === 'string') expect(found).toBe(text);
      else expect(found).toMatch(text);
    },
    { within: PATIENCE_MS },
  );
}

export async function counts(locator: Locator, count: number): Promise<void> {
  await eventually(async () => expect(await locator.count()).toBe(count), { within: PATIENCE_MS });
}

/** Query of the address; paths of the application are read back from there. */
export async function addressBecomes(page: Page, expected: { path?: string; query?: Record<string, string> }): Promise<void> {
  await eventually(
    () => {
      const { pathname, searchParams } = new URL(page.url());
      if (expected.path !== undefined) expect(pathname).toBe(expected.path);
      if (expected.query !== undefined) expect(Object.fromEntries(searchParams)).toEqual(expected.query);
    },
    { within: PATIENCE_MS },
  );
}

/** Marks the loaded document, to tell later that it was never loaded anew. */
export async function markDocument(page: Page): Promise<{ stillThere(): Promise<boolean> }> {
  await page.evaluate(() => void ((window as unknown as { marked: boolean }).marked = true));
  return { stillThere: () => page.evaluate(() => (window as unknown as { marked?: boolean }).marked === true) };
}

/** The five numbers at the top of an experiment's jobs. */
export function card(page: Page, label: 'Total' | 'Pending' | 'Running' | 'Done' | 'Aborted'): Locator {
  return page.locator('a.dr-stat').filter({ hasText: label });
}

export function cardCount(page: Page, label: Parameters<typeof card>[1]): Locator {
  return card(page, label).locator('.dr-stat-count');
}

/** Rows of the job table, without its head. */
export function rows(page: Page): Locator {
  return page.locator('table.dr-job-table tbody tr');
}

export async function typePin(fieldset: Locator, pin: string): Promise<void> {
  await fieldset.locator('input').first().click();
  await fieldset.page().keyboard.type(pin);
}
