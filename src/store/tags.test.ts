import { diskStores, memoryStores, postgresStores } from '../../test/support/stores.ts';

import { tagsSuite } from './tags.suite.ts';

tagsSuite('SQLite in memory', async () => memoryStores());
tagsSuite('SQLite on disk', async () => diskStores());
tagsSuite('PostgreSQL', postgresStores);
