// What everything else is compared with, measured in the same run: bare commits, bare inserts, the queue's statements without HTTP, and
// HTTP without the queue.
import LibsqlDatabase from 'libsql';

import { openConnection } from './http-connection.mjs';
import { line, median, perSecond, percentile, rounds } from './figures.mjs';
import { inProcessQueue } from './in-process-queue.mjs';

export const BASE = {
  name: 'base',
  title: 'What this machine can do',
  async run(stage, plan, { emit }) {
    emit(await commits(stage, plan));
    emit(await inserts(stage, plan));
    await queueLimits(stage, plan, emit);
    const server = await stage.server('echo');
    await echoes(server, plan, emit);
    await server.stop();
  },
};

/** One row and one fsync each: what a queue could do that commits every step. */
async function commits(stage, plan) {
  const database = openDatabase(stage.path('commits.db'));
  database.exec('create table note (id integer primary key, text text not null)');
  const insert = database.prepare('insert into note (text) values (?)');
  const values = await rounds(plan.rounds, () =>
    perSecond(plan.short_ms, () => {
      database.exec('begin immediate');
      insert.run('a row of about a hundred bytes, so that a commit has something to write, and not much more than that');
      database.exec('commit');
    }),
  );
  database.close();
  return line('base.commits', 'SQLite commits of one row (WAL, synchronous=FULL)', 'per second', { rounds: values });
}

const SET = 5_000;

/** Rows from one JSON text per commit, into a table with one more index: the bare form of what creates jobs. */
async function inserts(stage, plan) {
  const database = openDatabase(stage.path('inserts.db'));
  database.exec(
    'create table thing (id integer primary key, number integer not null, params text not null); create unique index thing_number on thing (number)',
  );
  const insert = database.prepare(`insert into thing (number, params) select json_extract(value, '$[0]'), json_extract(value, '$[1]') from json_each(?)`);
  let number = 0;
  const values = await rounds(plan.rounds, () =>
    perSecond(plan.short_ms, () => {
      const rows = Array.from({ length: SET }, () => [(number += 1), JSON.stringify({ row: number % 1_000, column: number })]);
      insert.run(JSON.stringify(rows));
      return SET;
    }),
  );
  database.close();
  return line('base.inserts', `SQLite rows inserted in sets of ${SET.toLocaleString('en-US')}`, 'per second', { rounds: values });
}

function openDatabase(path) {
  const database = new LibsqlDatabase(path);
  database.exec('pragma journal_mode = wal; pragma synchronous = full; pragma wal_autocheckpoint = 4000');
  return database;
}

/** Claim and finish through the store, in a loop in one process, each round its own commit: the limit of everything that adds HTTP. */
async function queueLimits(stage, plan, emit) {
  const queue = await inProcessQueue(stage.path('queue'), plan.queue_jobs);
  for (const { id, agents, slots, title } of [
    { id: 'base.queue_64', agents: 1, slots: 64, title: 'Claim and finish in process, sets of 64' },
    { id: 'base.queue_2000', agents: 1, slots: 2_000, title: 'Claim and finish in process, sets of 2,000' },
    { id: 'base.queue_32x1', agents: 32, slots: 1, title: 'Claim and finish in process, 32 agents of 1 in a commit' },
  ]) {
    const loop = await queue.agents(agents, slots);
    await loop.round();
    emit(line(id, title, 'cycles per second', { rounds: await rounds(plan.rounds, () => perSecond(plan.short_ms, loop.round)) }));
    await loop.end();
  }
  await queue.close();
}

const PARALLEL = 32;

/** The least that Drover's own HTTP stack does: route, access, contract, JSON. */
async function echoes(server, plan, emit) {
  const headers = { authorization: `Bearer ${server.key}` };
  const connections = await Promise.all(Array.from({ length: PARALLEL }, () => openConnection(server.url, headers)));
  const echo = (connection) => connection.request('GET', '/api/v1/session');
  await perSecond(plan.short_ms, () => Promise.all(connections.map(echo)).then(() => PARALLEL));
  const [first] = connections;
  const values = await rounds(plan.rounds, () => perSecond(plan.short_ms, () => Promise.all(connections.map(echo)).then(() => PARALLEL)));
  emit(line('base.echo', `HTTP JSON round trips, ${PARALLEL} connections`, 'per second', { rounds: values }));
  const times = [];
  await perSecond(plan.short_ms, async () => {
    const began = performance.now();
    await echo(first);
    times.push(performance.now() - began);
  });
  emit(line('base.echo_time', 'HTTP JSON round trip, one connection, p50', 'ms', { rounds: [median(times), percentile(times, 99)], value: median(times) }));
  for (const connection of connections) connection.close();
}
