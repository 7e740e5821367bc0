// `drover/job` in Node scripts, as an installed package gives it: the calls of the Python library, with real jobs.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

import { expect, test } from 'vitest';

import { createAuthority, startTlsFront, whyNoAuthority } from '../support/authority.ts';
import { openStage, type Stage } from '../support/drover.ts';
import { eventually } from '../support/eventually.ts';
import { createExperiment, type TestExperiment } from '../support/experiment.ts';
import { startForwardProxy } from '../support/forward-proxy.ts';
import { openJd } from '../support/jd.ts';

const ROOT = resolve(import.meta.dirname, '../..');

const TRAIN = `
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expDir, getLastCheckpoint, jobDir, logMetrics, params, progress, updateCheckpoint, upload, workerWorkspace } from 'drover/job';

const { lr, layers, name, deep } = params();
console.log(JSON.stringify([typeof lr, layers, name, deep, expDir(), workerWorkspace()]));
const state = (await getLastCheckpoint()) ?? { epoch: 0, seen: new Map() };
console.log('from', state.epoch, state.seen instanceof Map);
for (; state.epoch < 4; state.epoch += 1) {
  logMetrics({ loss: 1 / (state.epoch + 1), bad: Number.NaN }, state.epoch);
  progress(state.epoch + 1, 4);
  if (state.epoch === 2) {
    console.log('saved', JSON.stringify(await updateCheckpoint(state)));
    while (!existsSync(process.env.GATE)) await sleep(20);
  }
}
const result = join(jobDir(), 'result.json');
writeFileSync(result, JSON.stringify({ lr }));
console.log(JSON.stringify(await upload(result)));
`;

function prepare(stage: Stage): void {
  mkdirSync(stage.path('work/node_modules'));
  symlinkSync(ROOT, stage.path('work/node_modules/drover'));
  stage.file('work/train.mjs', TRAIN);
}

test('params, metrics, files, and a state that another machine goes on from', async (lifetime) => {
  const stage = openStage(lifetime);
  const server = await stage.server();
  const experiment = await createExperiment(server, 'digits-tune', { grace_seconds: 1 });
  prepare(stage);
  const jd = openJd(stage, server.url);
  const params = { experiment: 'digits-tune', number: await experiment.add({ params: { lr: 0.1, layers: [8, 8], name: '007', deep: true } }) };
  const env = { GATE: stage.path('gate') };
  await jd.ok('expId=digits-tune entry_script=train.mjs', { env });
  await eventually(async () => expect((await experiment.log(1)).toString()).toContain('saved'));
  await jd.ok('expId=digits-tune stop all');
  stage.file('gate', '');
  await jd.ok('expId=digits-tune entry_script=train.mjs', {
    env: { ...env, JD_CACHE_PATH: stage.path('other/cache'), JD_WORKSPACE_PATH: stage.path('other') },
  });
  await experiment.reaches(1, 'done');
  const lines = (await experiment.log(1, 'stdout', 2)).toString().trimEnd().split('\n');
  const data = stage.path('other/jd_data');
  expect(JSON.parse(lines[0]!)).toEqual(['number', [8, 8], '007', true, `${data}/digits-tune`, data]);
  expect(lines[1]).toBe('from 2 true');
  expect(JSON.parse(lines.at(-1)!)).toEqual({ success: true, filename: 'result.json', version: 0, size_bytes: 10 });
  const { artifacts } = await server.api.results.artifacts({ params });
  expect(artifacts.map(({ kind, name, version }) => `${kind} ${name} ${version}`).toSorted()).toEqual([
    'artifact result.json 0',
    'checkpoint checkpoint 0',
    'checkpoint checkpoint 1',
  ]);
  const { metrics } = await server.api.results.metricNames({ params });
  expect(metrics.map(({ name }) => name).toSorted()).toEqual(['bad', 'loss']);
  expect((await experiment.job(1)).progress).toEqual({ done: 4, total: 4 });
});

test('while the server is away files and states wait, and are delivered later; a damaged state is passed over', async (lifetime) => {
  const stage = openStage(lifetime);
  const server = await stage.server();
  const experiment = await createExperiment(server, 'digits-tune');
  prepare(stage);
  stage.file(
    'work/away.mjs',
    `import { writeFileSync, existsSync, readdirSync } from 'node:fs';
     import { getLastCheckpoint, updateCheckpoint, upload } from 'drover/job';
     await updateCheckpoint('first');
     console.log('ready');
     while (!existsSync(process.env.GATE)) await new Promise((resolve) => setTimeout(resolve, 20));
     writeFileSync('away.txt', 'x'.repeat(5));
     console.log(JSON.stringify(await upload('away.txt', { max_retries: 1 })));
     await updateCheckpoint('second', { max_retries: 1 });
     console.log(await getLastCheckpoint());
     const spool = process.env.JD_ATTEMPT_DIR + '/uploads/';
     for (const name of readdirSync(spool)) if (name.endsWith('.data')) writeFileSync(spool + name, 'torn!');
     writeFileSync(process.env.GATE + '.done', '');
     console.log(await getLastCheckpoint());
    `,
  );
  const jd = openJd(stage, server.url);
  await experiment.add({});
  await jd.ok('expId=digits-tune entry_script=away.mjs', { env: { GATE: stage.path('gate'), JD_UPLOAD_MAX_WAIT_SECONDS: '0' } });
  await eventually(async () => expect((await experiment.log(1)).toString()).toContain('ready'));
  await server.stop();
  stage.file('gate', '');
  await eventually(() => expect(existsSync(stage.path('gate.done'))).toBe(true));
  await server.start();
  await experiment.reaches(1, 'done');
  // The end may be told some seconds before what was printed meanwhile.
  const printed = await eventually(async () => {
    const lines = (await experiment.log(1)).toString().trimEnd().split('\n');
    expect(lines).toHaveLength(4);
    return lines;
  });
  const [, uploaded, newest, sound] = printed;
  expect(JSON.parse(uploaded!)).toEqual({ success: true, queued: true, filename: 'away.txt', version: null, size_bytes: 5 });
  expect([newest, sound]).toEqual(['second', 'first']);
  const warned = /is damaged: .*The one before it is tried[^]*going on from checkpoint version 0, which is older/;
  await eventually(async () => expect((await experiment.log(1, 'stderr')).toString()).toMatch(warned));
});

const SEND = `
import { writeFileSync } from 'node:fs';
import { getLastCheckpoint, updateCheckpoint, upload } from 'drover/job';
writeFileSync('sent.txt', 'x'.repeat(100_000));
const stored = [await upload('sent.txt', { max_retries: 1 }), await updateCheckpoint({ epoch: 3 }, { max_retries: 1 })];
console.log(stored.map(({ queued, version }) => queued ? 'queued' : version).join(), (await getLastCheckpoint()).epoch);
`;

test('where a proxy is the only way out, files and states go through it: plain ones handed over, those of TLS through tunnels', async (lifetime) => {
  const stage = openStage(lifetime);
  const server = await stage.server();
  const experiment = await createExperiment(server, 'proxied');
  prepare(stage);
  stage.file('work/send.mjs', SEND);
  const plain = await startForwardProxy(stage, { 'drover.test': Number(new URL(server.url).port) });
  const elsewhere = 'http://127.0.0.1:1';
  // The names are known to the proxies only.
  const agent = await stage.agent({
    ...{ experiments: ['proxied'], url: 'http://drover.test', key: server.key },
    env: { HTTP_PROXY: plain.url, HTTPS_PROXY: elsewhere },
  });
  await experiment.add({ command: 'node send.mjs' });
  await experiment.reaches(1, 'done');
  await logBecomes(experiment, 1, '0,0 3\n');
  const api = 'http://drover.test/api/v1/attempt';
  expect(plain.seen).toEqual(expect.arrayContaining([`PUT ${api}/artifacts/sent.txt`, `PUT ${api}/checkpoint`, `GET ${api}/checkpoint`]));
  await agent.stop();

  const reason = whyNoAuthority();
  if (reason !== null) return void process.stderr.write(`left out: the half with TLS: ${reason}\n`);
  const authority = createAuthority(stage, ['DNS:secure.test']);
  const front = await startTlsFront(stage, authority, server.url);
  const tunnels = await startForwardProxy(stage, { 'secure.test': front.port });
  await stage.agent({
    ...{ experiments: ['proxied'], url: 'https://secure.test', key: server.key },
    env: { HTTP_PROXY: elsewhere, HTTPS_PROXY: tunnels.url, DROVER_CA_FILE: authority.ca_file },
  });
  const before = tunnels.seen.length;
  await experiment.add({ command: 'node send.mjs' });
  await experiment.reaches(2, 'done');
  await logBecomes(experiment, 2, '0,0 3\n');
  expect(tunnels.seen.length - before).toBeGreaterThanOrEqual(3);
  expect(new Set(tunnels.seen)).toEqual(new Set(['CONNECT secure.test:443']));
});

/** On the way through a proxy the last output may come well after the end. */
async function logBecomes(experiment: TestExperiment, number: number, text: string): Promise<void> {
  await eventually(async () => expect((await experiment.log(number)).toString()).toBe(text));
}

test('outside a job the same calls store and print here', (lifetime) => {
  const stage = openStage(lifetime);
  prepare(stage);
  stage.file('gate', '');
  const run = () =>
    execFileSync(process.execPath, ['train.mjs', '--lr', '0.5', '--layers', '[8]', '--name=007', '--deep'], {
      ...{ cwd: stage.path('work'), encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'], env: { ...stage.env, GATE: stage.path('gate') } },
    });
  const first = run();
  expect(first).toContain('["number",[8],"007",true,');
  expect(first).toContain('metric loss=1 bad=NaN step=0\nprogress 1/4\n');
  expect(first).toContain('from 0 true');
  expect(run()).toContain('from 2 true');
});

test('the types are there, and hold', (lifetime) => {
  const stage = openStage(lifetime);
  prepare(stage);
  const check = (text: string): string => {
    writeFileSync(stage.path('work/check.mts'), `import { getLastCheckpoint, logMetric, upload, type Stored } from 'drover/job';\n${text}\n`);
    const settings = ['--noEmit', '--strict', '--module', 'nodenext', '--types', 'node', '--typeRoots', join(ROOT, 'node_modules/@types'), 'check.mts'];
    try {
      return execFileSync(process.execPath, [join(ROOT, 'node_modules/typescript/bin/tsc'), ...settings], { cwd: stage.path('work'), encoding: 'utf8' });
    } catch (error) {
      return (error as { stdout: string }).stdout;
    }
  };
  expect(
    check("const stored: Stored = await upload('x'); logMetric('loss', stored.version ?? 0, 1); export const state: unknown = await getLastCheckpoint();"),
  ).toBe('');
  expect(check("logMetric('loss', 'high');")).toContain("Argument of type 'string' is not assignable to parameter of type 'number'");
  expect(readFileSync(join(ROOT, 'dist/job.js'), 'utf8')).not.toMatch(/from ["'](?!node:)/);
});
