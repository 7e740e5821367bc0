import { diskStores, memoryStores, postgresStores } from '../../test/support/stores.ts';

import { operationsSuite } from './operations.suite.ts';
import { pruningSuite } from './pruning.suite.ts';

operationsSuite('SQLite in memory', async () => memoryStores());
operationsSuite('SQLite on disk', async () => diskStores());
operationsSuite('PostgreSQL', postgresStores);

pruningSuite('SQLite in memory', async () => memoryStores());
pruningSuite('SQLite on disk', async () => diskStores());
pruningSuite('PostgreSQL', postgresStores);
