import { diskStores, memoryStores, postgresStores } from '../../test/support/stores.ts';

import { viewsSuite } from './views.suite.ts';

viewsSuite('SQLite in memory', async () => memoryStores());
viewsSuite('SQLite on disk', async () => diskStores());
viewsSuite('PostgreSQL', postgresStores);
