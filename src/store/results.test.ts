import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';

import { afterAll, beforeAll, describe } from 'vitest';

import type { ManualClock } from '../../test/support/manual-clock.ts';

import { logsSuite } from './logs.suite.ts';
import { newServerKeyText } from './server-key.ts';
import { openStore } from './store.ts';

const inMemory = (clock: ManualClock) =>
  openStore({ engine: { kind: 'sqlite', directory: ':memory:', clock, read_threads: 0 }, directory: null, clock, key: newServerKeyText() });

describe('logs on SQLite in memory', () => logsSuite(inMemory));
