import { diskStores, memoryStores, postgresStores } from '../../test/support/stores.ts';

import { aheadSuite } from './ahead.suite.ts';
import { offersSuite } from './offers.suite.ts';
import { queueSuite } from './queue.suite.ts';
import { restoreSuite } from './restore.suite.ts';

queueSuite('SQLite in memory', async () => memoryStores());
queueSuite('SQLite on disk', async () => diskStores());
queueSuite('PostgreSQL', postgresStores);

restoreSuite('SQLite in memory', async () => memoryStores());
restoreSuite('SQLite on disk', async () => diskStores());
restoreSuite('PostgreSQL', postgresStores);

aheadSuite('SQLite in memory', async () => memoryStores());
aheadSuite('SQLite on disk', async () => diskStores());
aheadSuite('PostgreSQL', postgresStores);

offersSuite('SQLite in memory', async () => memoryStores());
offersSuite('SQLite on disk', async () => diskStores());
offersSuite('PostgreSQL', postgresStores);
