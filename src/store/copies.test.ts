import { diskStores, memoryStores, postgresStores } from '../../test/support/stores.ts';

import { copiesSuite } from './copies.suite.ts';

copiesSuite('SQLite in memory', async () => memoryStores());
copiesSuite('SQLite on disk', async () => diskStores());
copiesSuite('PostgreSQL', postgresStores);
