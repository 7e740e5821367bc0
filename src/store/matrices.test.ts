import { diskStores, memoryStores, postgresStores } from '../../test/support/stores.ts';

import { matricesSuite } from './matrices.suite.ts';

matricesSuite('SQLite in memory', async () => memoryStores());
matricesSuite('SQLite on disk', async () => diskStores());
matricesSuite('PostgreSQL', postgresStores);
