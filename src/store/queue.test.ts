import { diskStores, memoryStores, postgresStores } from '../../test/support/stores.ts';

import { queueSuite } from './queue.suite.ts';
import { restoreSuite } from './restore.suite.ts';

queueSuite('SQLite in memory', async () => memoryStores());
queueSuite('SQLite on disk', async () => diskStores());
queueSuite('PostgreSQL', postgresStores);

restoreSuite('SQLite in memory', async () => memoryStores());
restoreSuite('SQLite on disk', async () => diskStores());
restoreSuite('PostgreSQL', postgresStores);
