// Vitest runs this before each file of browser tests: they find Chromium in CHROMIUM_PATH, or fail and say what to install.
import { CHROMIUM_MISSING, findChromium } from './chromium.mjs';

const path = findChromium();
if (path === null) throw new Error(CHROMIUM_MISSING);
process.env.CHROMIUM_PATH = path;
