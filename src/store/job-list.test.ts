import { diskStores, memoryStores, postgresStores } from '../../test/support/stores.ts';

import { jobListSuite } from './job-list.suite.ts';

jobListSuite('SQLite in memory', async () => memoryStores());
jobListSuite('SQLite on disk', async () => diskStores());
jobListSuite('PostgreSQL', postgresStores);
