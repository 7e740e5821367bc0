// The bare limit of job cycles: the statements of Drover's own cycles, recorded once with their values, sent again by a plain loop in one
// process: the same SQL in the same transactions, prepared, with nothing decided, checked, parsed or answered in between.
import { copyFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';

import LibsqlDatabase from 'libsql';
import pg from 'pg';

import { inProcessQueue } from '../in-process-queue.mjs';
import { record, watchStatements } from './recording.mjs';

/** Rounds before the recording: the first has no ends yet. */
const RUN_IN = 2;

/**
 * Records so many cycles for each setting `{ id, slots, cycles }` on a new store and keeps what the store was before them.
 * `postgres` makes databases; without it the engine is SQLite. `replay(id)` gives cycles per second.
 */
export async function recordBareQueue(stage, { settings, postgres = null }) {
  const directory = stage.path(postgres === null ? 'bare-sqlite' : 'bare-postgres');
  const place = postgres === null ? sqlitePlace(directory) : postgresPlace(postgres);
  const stopWatching = watchStatements();
  try {
    const jobs = settings.reduce((sum, { slots, cycles }) => sum + cycles + (RUN_IN + 1) * slots, 0);
    const queue = await inProcessQueue(directory, jobs, { url: await place.create() });
    const loops = new Map();
    for (const { id, slots } of settings) {
      const loop = await queue.agents(1, slots);
      for (let round = 0; round < RUN_IN; round += 1) await loop.round();
      loops.set(id, loop);
    }
    await queue.whileClosed(place.keep);
    const recorded = new Map();
    for (const { id, slots, cycles } of settings) recorded.set(id, await recordCycles(loops.get(id), { slots, cycles }));
    await queue.close();
    return { replay: (id) => replay(place, recorded.get(id)) };
  } finally {
    stopWatching();
  }
}

async function recordCycles(loop, { slots, cycles }) {
  let recorded = 0;
  const statements = await record(async () => {
    while (recorded < cycles) {
      const ended = await loop.round();
      if (ended !== slots) throw new Error(`A round recorded ${ended} ends instead of ${slots}.`);
      recorded += ended;
    }
  });
  return { statements, cycles: recorded };
}

/** On a fresh copy each time, and only what the loop itself takes is measured. */
async function replay(place, { statements, cycles }) {
  const copy = await place.copy();
  const before = await copy.done();
  const began = performance.now();
  await copy.send(statements);
  const seconds = (performance.now() - began) / 1000;
  const done = (await copy.done()) - before;
  await copy.close();
  if (done !== cycles) throw new Error(`${cycles} cycles were sent again, but ${done} jobs ended.`);
  return cycles / seconds;
}

const DONE = "select count(*) as done from job where status = 'done'";
/** As the store's own writer has them. */
const PRAGMAS =
  'pragma cache_size = -65536; pragma foreign_keys = off; pragma temp_store = memory; pragma journal_mode = wal; pragma synchronous = full; pragma journal_size_limit = 67108864; pragma wal_autocheckpoint = 4000;';

function sqlitePlace(directory) {
  const [source, kept, file] = ['drover.db', 'kept.db', 'copy.db'].map((name) => join(directory, name));
  return {
    create: async () => null,
    async keep() {
      // Closing leaves the log of SQLite beside the file.
      const database = new LibsqlDatabase(source);
      database.prepare('pragma wal_checkpoint(truncate)').all();
      database.close();
      copyFileSync(source, kept);
    },
    async copy() {
      for (const suffix of ['', '-wal', '-shm']) rmSync(`${file}${suffix}`, { force: true });
      copyFileSync(kept, file);
      const database = new LibsqlDatabase(file);
      database.exec(PRAGMAS);
      return {
        done: async () => database.prepare(DONE).get().done,
        async send(statements) {
          const prepared = new Map();
          for (const { text, values, reader } of statements) {
            let statement = prepared.get(text);
            if (statement === undefined) prepared.set(text, (statement = database.prepare(text)));
            if (reader) statement.all(...values);
            else statement.run(...(values ?? []));
          }
        },
        close: async () => database.close(),
      };
    },
  };
}

function postgresPlace(postgres) {
  return {
    create: () => postgres.database('bare_source'),
    keep: async () => void (await postgres.database('bare_kept', { template: 'bare_source' })),
    async copy() {
      const url = await postgres.database('bare_copy', { template: 'bare_kept' });
      const client = new pg.Client({ connectionString: url });
      await client.connect();
      return {
        done: async () => Number((await client.query(DONE)).rows[0].done),
        async send(statements) {
          const names = new Map();
          for (const { text, values } of statements) {
            let name = names.get(text);
            if (name === undefined) names.set(text, (name = `bare_${names.size}`));
            await client.query({ text, values, name });
          }
        },
        close: () => client.end(),
      };
    },
  };
}
