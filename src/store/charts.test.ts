import { diskStores, memoryStores, postgresStores } from '../../test/support/stores.ts';

import { chartsSuite } from './charts.suite.ts';

chartsSuite('SQLite in memory', async () => memoryStores());
chartsSuite('SQLite on disk', async () => diskStores());
chartsSuite('PostgreSQL', postgresStores);
