import { diskStores, memoryStores, postgresStores, type StoreMaker } from '../../test/support/stores.ts';

import { deletionSuite } from './deletion.suite.ts';
import { reserveSuite } from './reserve.suite.ts';
import { silenceSuite } from './silence.suite.ts';

const engines: [string, () => Promise<StoreMaker | null>][] = [
  ['SQLite in memory', async () => memoryStores()],
  ['SQLite on disk', async () => diskStores()],
  ['PostgreSQL', postgresStores],
];

for (const [name, make] of engines) {
  reserveSuite(name, make);
  silenceSuite(name, make);
  deletionSuite(name, make);
}
