import { diskStores, memoryStores, postgresStores } from '../../test/support/stores.ts';

import { jobOrderSuite, longOrderSuite } from './job-order.suite.ts';

jobOrderSuite('SQLite in memory', async () => memoryStores());
jobOrderSuite('SQLite on disk', async () => diskStores());
jobOrderSuite('PostgreSQL', postgresStores);
longOrderSuite('SQLite in memory', async () => memoryStores());
