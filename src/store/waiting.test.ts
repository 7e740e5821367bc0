import { diskStores, memoryStores, postgresStores } from '../../test/support/stores.ts';

import { waitingSuite } from './waiting.suite.ts';

waitingSuite('SQLite in memory', async () => memoryStores());
waitingSuite('SQLite on disk', async () => diskStores());
waitingSuite('PostgreSQL', postgresStores);
