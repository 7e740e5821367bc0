import { diskStores, memoryStores, postgresStores } from '../../test/support/stores.ts';

import { jobHistorySuite } from './job-history.suite.ts';

jobHistorySuite('SQLite in memory', async () => memoryStores());
jobHistorySuite('SQLite on disk', async () => diskStores());
jobHistorySuite('PostgreSQL', postgresStores);
