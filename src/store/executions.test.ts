import { diskStores, memoryStores, postgresStores } from '../../test/support/stores.ts';

import { executionsSuite } from './executions.suite.ts';

executionsSuite('SQLite in memory', async () => memoryStores());
executionsSuite('SQLite on disk', async () => diskStores());
executionsSuite('PostgreSQL', postgresStores);
