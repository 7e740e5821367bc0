// Lists and searches as a dashboard and a command line ask for them, each query many times with other values, while nothing else runs
// and while an agent in another process claims and finishes.
import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';

import { openConnection } from './http-connection.mjs';
import { line, percentile } from './figures.mjs';

const LIMIT = 50;

/** Each gives the query of the nth call. `cursors` are of pages all over the list. */
function queries({ values, cursors }) {
  const nth = (list, index) => list[(index * 37) % list.length];
  return {
    'first page': () => ({}),
    'first page, oldest first': () => ({ order: 'asc' }),
    'deep page by cursor': (index) => ({ cursor: nth(cursors, index) }),
    'status pending': () => ({ status: 'pending' }),
    'status done': () => ({ status: 'done' }),
    'status aborted': () => ({ status: 'aborted' }),
    'lr=…': (index) => ({ search: `lr=${nth(values.lr, index)}` }),
    'lr>0.001': () => ({ search: 'lr>0.001' }),
    'lr>…': (index) => ({ search: `lr>${nth(values.lr, index)}` }),
    'lr=… units=…': (index) => ({ search: `lr=${nth(values.lr, index)} units=${nth(values.units, index + 5)}` }),
    'lr=… status done': (index) => ({ search: `lr=${nth(values.lr, index)}`, status: 'done' }),
    'text in a value': (index) => ({ search: nth(values.seed, index) }),
    'text that nothing has': (index) => ({ search: `nowhere-${index}` }),
    'text of a message': () => ({ search: '"exit code 1"' }),
    'sort by started': () => ({ sort: 'started_at' }),
    'sort by finished': () => ({ sort: 'finished_at' }),
    'sort by duration': () => ({ sort: 'duration_ms' }),
    'sort by duration, shortest first': () => ({ sort: 'duration_ms', order: 'asc' }),
    'sort by finished, status aborted': () => ({ sort: 'finished_at', status: 'aborted' }),
    'sort by duration, status done': () => ({ sort: 'duration_ms', status: 'done' }),
    'status pending or aborted': () => ({ status: ['pending', 'aborted'] }),
    held: () => ({ held: 'true' }),
    'lr>… status aborted': (index) => ({ search: `lr>${nth(values.lr, index)}`, status: 'aborted' }),
  };
}

export async function measureLists(server, { experiment, plan, emit, against }) {
  const { spec } = await server.api.call('GET', `/experiments/${experiment}/matrices/1`);
  const asked = queries({ values: spec, cursors: await deepCursors(server, experiment) });
  const connection = await openConnection(server.url, { authorization: `Bearer ${server.key}` });
  const ask = (query) => connection.request('GET', `/api/v1/experiments/${experiment}/jobs?${queryText({ limit: String(LIMIT), ...query })}`);
  const idle = await measureAll(asked, ask, plan.queries);
  report('lists.idle', 'Lists and filters, nothing else running', { times: idle, emit, against });
  const claimer = await startClaimer(server, experiment);
  const busy = await measureAll(asked, ask, plan.queries);
  const rate = await claimer.stop();
  report('lists.busy', 'Lists and filters while claims run', { times: busy, emit, against });
  emit(line('lists.claims', 'Job cycles meanwhile, 1 agent asking for 64', 'cycles per second', { rounds: [rate] }));
  connection.close();
}

/** A list of values repeats its name. */
function queryText(query) {
  return new URLSearchParams(Object.entries(query).flatMap(([name, values]) => [values].flat().map((value) => [name, value])));
}

/** Query by query in turn, so that a noisy second does not fall on one of them. */
async function measureAll(asked, ask, times) {
  const measured = new Map(Object.keys(asked).map((name) => [name, []]));
  for (let index = -1; index < times; index += 1) {
    for (const [name, query] of Object.entries(asked)) {
      const began = performance.now();
      const { status, body } = await ask(query(Math.max(0, index)));
      const taken = performance.now() - began;
      if (status !== 200) throw new Error(`${name}: ${status} ${body.toString().slice(0, 300)}`);
      // The first call of each is the warm-up.
      if (index >= 0) measured.get(name).push(taken);
    }
  }
  return measured;
}

function report(id, title, { times, emit, against }) {
  const all = [...times.values()].flat();
  const p95 = [...times].map(([name, values]) => ({ name, value: percentile(values, 95) }));
  const worst = p95.reduce((slowest, one) => (one.value > slowest.value ? one : slowest));
  const spread = [Math.min(...all), Math.max(...all)];
  emit(line(`${id}.p50`, `${title}: p50`, 'ms', { rounds: spread, value: percentile(all, 50), against }));
  emit(
    line(`${id}.p95`, `${title}: p95`, 'ms', {
      rounds: spread,
      value: percentile(all, 95),
      against,
      aim: { below: 50 },
      note: `slowest: ${worst.name}, p95 ${worst.value.toFixed(1)} ms`,
    }),
  );
  for (const [name, values] of times) {
    emit({
      ...line(`${id}.${name}`, name, 'ms', { rounds: [Math.min(...values), Math.max(...values)], value: percentile(values, 50) }),
      p95: percentile(values, 95),
    });
  }
}

const CURSORS = 20;

/** Cursors are opaque; one in the middle of a range is what the page that ends there gives out. */
async function deepCursors(server, experiment) {
  const { counts } = await server.api.call('GET', `/experiments/${experiment}`);
  const cursors = [];
  for (let step = 1; step <= CURSORS; step += 1) {
    const to = Math.floor((counts.created * step) / (CURSORS + 1));
    const page = await server.api.call('GET', `/experiments/${experiment}/jobs?limit=1&numbers=1-${to}`);
    cursors.push(page.next_cursor);
  }
  return cursors;
}

/** An agent of 64 in a process of its own, at full speed. */
async function startClaimer(server, experiment) {
  const child = fork(fileURLToPath(new URL('./claimer.mjs', import.meta.url)), { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
  const ended = new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code) => (code === 0 ? resolve() : reject(new Error(`The claiming process ended with ${code}.`))));
  });
  const told = () =>
    Promise.race([new Promise((resolve) => child.once('message', resolve)), ended.then(() => Promise.reject(new Error('The claiming process left early.')))]);
  const began = told();
  child.send({ url: server.url, key: server.key, experiment, slots: 64 });
  await began;
  return {
    async stop() {
      const last = told();
      child.send('stop');
      const { cycles_per_second } = await last;
      await ended;
      return cycles_per_second;
    },
  };
}
