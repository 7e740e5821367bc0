import { diskStores, memoryStores, postgresStores } from '../../../../test/support/stores.ts';

import { lateWordsSuite } from './late-words.suite.ts';
import { replaySuite } from './replay.suite.ts';

replaySuite('SQLite in memory', async () => memoryStores());
replaySuite('SQLite on disk', async () => diskStores());
replaySuite('PostgreSQL', postgresStores);

lateWordsSuite('SQLite in memory', async () => memoryStores());
lateWordsSuite('SQLite on disk', async () => diskStores());
lateWordsSuite('PostgreSQL', postgresStores);
