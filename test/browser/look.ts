// Looks at a page as people meet it: accessible (axe-core) in light, in dark and on a phone; without sideways scrolling on a tablet and on a
// phone; kept as pictures at these three widths.
import { mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

import type { Page } from 'playwright-core';

import { SCREENSHOTS } from '../support/browser.ts';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
/** The phone last: there axe looks once more. */
const NARROW = { tablet: { width: 820, height: 1180 }, phone: { width: 390, height: 844 } };
const FIT_MS = 3_000;
export const DESK = { width: 1280, height: 800 };

/** What is wrong with it, one line each. */
export async function lookAt(page: Page, name: string): Promise<string[]> {
  mkdirSync(SCREENSHOTS, { recursive: true });
  const faults: string[] = [];
  const hasDialog = (await page.getByRole('dialog').count()) > 0;
  for (const scheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme: scheme });
    await page.locator(`html[data-mantine-color-scheme=${scheme}]`).waitFor();
    // The dark scheme differs in nothing but colours, and the phone in everything else.
    faults.push(...(await axe(page, scheme === 'light' ? EVERYTHING : ONLY_COLOURS)).map((fault) => `${name}, ${scheme}: ${fault}`));
    await page.screenshot({ path: join(SCREENSHOTS, `${name}-${scheme}.png`), fullPage: !hasDialog });
  }
  await page.emulateMedia({ colorScheme: 'light' });
  for (const [width, size] of Object.entries(NARROW)) {
    await page.setViewportSize(size);
    await page.locator('html[data-mantine-color-scheme=light]').waitFor();
    // What a page does itself about its width it does a moment later.
    await page.waitForFunction(() => document.documentElement.scrollWidth <= window.innerWidth, undefined, { timeout: FIT_MS }).catch(() => undefined);
    const excess = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
    if (excess > 0) faults.push(`${name}, ${width}: ${excess} px too wide`);
    await page.screenshot({ path: join(SCREENSHOTS, `${name}-${width}.png`), fullPage: !hasDialog });
  }
  faults.push(...(await axe(page, ALL_BUT_COLOURS)).map((fault) => `${name}, phone: ${fault}`));
  return faults;
}

// To judge the contrast of every text takes longer than everything else together.
const EVERYTHING = {};
const ONLY_COLOURS = { runOnly: ['color-contrast'] };
const ALL_BUT_COLOURS = { rules: { 'color-contrast': { enabled: false } } };

/** Rows of a table and lines of a log are alike: the first few stand for all of them. */
const OF = { include: [['html']], exclude: [['tbody tr:nth-child(n+6)'], ['.dr-log-line:nth-child(n+8)']] };

interface AxeResult {
  readonly violations: readonly {
    readonly id: string;
    readonly impact: string | null;
    readonly help: string;
    readonly nodes: readonly { readonly html: string }[];
  }[];
}

/** Colours that are still changing are nobody's colours. */
async function settle(page: Page): Promise<void> {
  await page.waitForFunction(() => document.getAnimations().every((each) => each.playState !== 'running' || each.effect?.getTiming().iterations === Infinity));
}

async function axe(page: Page, rules: object): Promise<string[]> {
  await settle(page);
  if (!(await page.evaluate(() => 'axe' in window))) await page.evaluate(AXE);
  const options = { resultTypes: ['violations'], ...rules };
  const { violations } = await page.evaluate(
    (asked) => (window as unknown as { axe: { run(of: object, options: object): Promise<AxeResult> } }).axe.run(asked.of, asked.options),
    { of: OF, options },
  );
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .flatMap(({ id, help, nodes }) => nodes.slice(0, 3).map(({ html }) => `${id}, ${help}: ${html.slice(0, 160)}`));
}
