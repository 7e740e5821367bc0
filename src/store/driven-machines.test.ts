import { diskStores, memoryStores, postgresStores } from '../../test/support/stores.ts';

import { drivenMachinesSuite } from './driven-machines.suite.ts';

drivenMachinesSuite('SQLite in memory', async () => memoryStores());
drivenMachinesSuite('SQLite on disk', async () => diskStores());
drivenMachinesSuite('PostgreSQL', postgresStores);
