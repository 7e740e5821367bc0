import { diskStores, memoryStores, postgresStores } from '../../test/support/stores.ts';

import { variablesSuite } from './variables.suite.ts';

variablesSuite('SQLite in memory', async () => memoryStores());
variablesSuite('SQLite on disk', async () => diskStores());
variablesSuite('PostgreSQL', postgresStores);
