// A secret on its way through real processes: it reaches the command, and lies in no file, command line, record or log.
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, test, type TestContext } from 'vitest';

import { openStage, type Stage, type TestAgent, type TestServer } from '../support/drover.ts';
import { eventually } from '../support/eventually.ts';
import { createExperiment, type TestExperiment } from '../support/experiment.ts';
import { commandLine } from '../support/program.ts';

const TOKEN = 'ghp_Nobody-May-See-This';
const STARS = '*'.repeat(TOKEN.length);

interface Scene {
  readonly stage: Stage;
  readonly server: TestServer;
  readonly agent: TestAgent;
  readonly experiment: TestExperiment;
}

async function openScene(context: TestContext): Promise<Scene> {
  const stage = openStage(context);
  const server = await stage.server({ args: ['--log-level', 'debug'] });
  const experiment = await createExperiment(server, 'tune');
  await server.api.variables.set({ params: { experiment: 'tune', name: 'TOKEN' }, body: { value: TOKEN, secret: true } });
  const agent = await stage.agent({ experiments: ['tune'], url: server.url, key: server.key, env: { STAGE: stage.directory }, args: ['--log-level', 'debug'] });
  return { stage, server, agent, experiment };
}

const WAIT = 'while [ ! -e "$STAGE/gate" ]; do sleep 0.02; done';

/** Files below the stage that hold the secret; what a job printed lies on its machine as it printed it. */
function filesWith({ stage }: Scene, text: string): string[] {
  return readdirSync(stage.directory, { recursive: true, encoding: 'utf8' }).filter((name) => {
    const path = join(stage.directory, name);
    return statSync(path).isFile() && !/\.drover\/[^/]+\/(stdout|stderr)$/.test(name) && readFileSync(path).includes(text);
  });
}

/** Of every process of this machine. */
function commandLinesWith(text: string): string[] {
  const processes = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return processes.flatMap((pid) => {
    try {
      const line = commandLine(Number(pid)).join(' ');
      return line.includes(text) ? [line] : [];
    } catch {
      // It has ended.
      return [];
    }
  });
}

async function isNowhere(scene: Scene): Promise<void> {
  const { server, agent, experiment } = scene;
  expect(commandLinesWith(TOKEN)).toEqual([]);
  expect(filesWith(scene, TOKEN)).toEqual([]);
  expect(server.log() + agent.log()).not.toContain(TOKEN);
  const params = { experiment: 'tune', number: 1 };
  const told = [
    await server.api.jobs.get({ params }),
    await server.api.variables.list({ params }),
    await server.api.server.history({ params }),
    await server.api.results.execution({ params: { ...params, attempt: 1 } }),
    (await experiment.log(1)).toString() + (await experiment.log(1, 'stderr')).toString(),
  ];
  expect(JSON.stringify(told)).not.toContain(TOKEN);
}

test('reaches the command wherever it stands, and nothing and nobody else', async (context) => {
  const scene = await openScene(context);
  const { stage, server, agent, experiment } = scene;
  await experiment.add({ command: `echo {TOKEN} "{TOKEN}" '{TOKEN}'; env | grep JD_SECRET; echo "it is {TOKEN}" >&2; ${WAIT}` });
  await eventually(async () => {
    expect((await experiment.log(1)).toString()).toBe(`${STARS} ${STARS} ${STARS}\nJD_SECRET_TOKEN=${STARS}\n`);
    expect((await experiment.log(1, 'stderr')).toString()).toBe(`it is ${STARS}\n`);
  });
  // That the look would find it: what is in the record of the job lies in the database.
  expect(filesWith(scene, 'grep JD_SECRET').some((name) => name.startsWith('data/drover.db'))).toBe(true);
  const { execution } = await eventually(() => server.api.results.execution({ params: { experiment: 'tune', number: 1, attempt: 1 } }));
  expect(execution!.arguments[2]).toContain('echo "${JD_SECRET_TOKEN}" "${JD_SECRET_TOKEN}"');
  await isNowhere(scene);
  stage.file('gate', '');
  await experiment.reaches(1, 'done');
  // What comes at the end, and without a line end, comes too.
  await experiment.add({ command: `printf 'last: %s' {TOKEN}` });
  await experiment.reaches(2, 'done');
  expect((await experiment.log(2)).toString()).toBe(`last: ${STARS}`);
  await isNowhere(scene);
  await agent.stop();
  await server.stop();
  expect(filesWith(scene, TOKEN)).toEqual([]);
});

test('typed at a terminal is not shown there, and given on standard input is in no command line', async (context) => {
  const { stage, server, experiment } = await openScene(context);
  const terminal = resolve(import.meta.dirname, '../support/terminal.py');
  const steps = JSON.stringify([['not shown): ', `typed-${TOKEN}\r`]]);
  const words = [...stage.program, 'var', 'set', 'TYPED', '--secret', '--url', server.url];
  const typed = stage.start(['python3', terminal, '30', steps, ...words], { TERM: 'xterm' });
  await typed.exited;
  expect(typed.output()).toContain('Set the secret TYPED of tune.');
  expect(typed.output()).toContain('[exit 0]');
  expect(typed.output()).not.toContain('typed-');
  const piped = stage.start(['sh', '-c', `"$@" <"${stage.file('token.txt', `piped-${TOKEN}\n`)}"`, 'sh', ...words.slice(0, 4), 'PIPED', ...words.slice(5)]);
  expect((await piped.exited).code, piped.output()).toBe(0);
  const { variables } = await server.api.variables.list({ params: { experiment: 'tune' } });
  expect(variables.map(({ name, secret, value }) => [name, secret, value])).toEqual(['PIPED', 'TOKEN', 'TYPED'].map((name) => [name, true, null]));
  // As they were given, without the line end.
  await experiment.add({ command: 'test {TYPED}{PIPED} = {expected}', params: { expected: `typed-${TOKEN}piped-${TOKEN}` } });
  await experiment.reaches(1, 'done');
});

/** Prints the secret byte by byte, so that it lies across all pieces in which a log travels; beside it what the log should be. */
const DRIBBLE = `
import os, sys, time
stage, token = os.environ["STAGE"], os.environ["JD_SECRET_TOKEN"].encode()
own = open(stage + "/own", "wb")
line = 0
while not os.path.exists(stage + "/gate"):
    text = b"%d %s|" % (line, token)
    for byte in text:
        sys.stdout.buffer.write(bytes([byte]))
        sys.stdout.buffer.flush()
        time.sleep(0.0005)
    own.write(text.replace(token, b"*" * len(token)))
    own.flush()
    line += 1
`;

test('stays masked when the agent is killed with -9 in the middle, again and again, byte for byte', async (context) => {
  const scene = await openScene(context);
  const { stage, server, agent, experiment } = scene;
  const script = stage.file('dribble.py', DRIBBLE);
  // The placeholder brings the secret along; the script reads it from its environment.
  await experiment.add({ command: `: {TOKEN}; exec python3 ${script}` });
  for (let round = 1; round <= 3; round += 1) {
    const before = (await experiment.log(1)).length;
    await eventually(async () => expect((await experiment.log(1)).length).toBeGreaterThan(before + 2_000));
    await agent.kill9();
    await isNowhere(scene);
    // The server may die as well: what it has of the log is the truth.
    if (round === 2) {
      await server.kill9();
      await server.start();
    }
    await agent.start();
  }
  stage.file('gate', '');
  await experiment.reaches(1, 'done');
  const own = stage.bytes('own').toString();
  expect(own.length).toBeGreaterThan(6_000);
  await eventually(async () => expect((await experiment.log(1)).toString()).toBe(own));
  await isNowhere(scene);
});

test('that was changed is the new one at the next start; one that was removed fails its job alone, in words', async (context) => {
  const { server, experiment } = await openScene(context);
  const place = { params: { experiment: 'tune', name: 'TOKEN' } };
  await experiment.add({ command: `printf %s {TOKEN} | tr 'a-z' 'A-Z'`, held: true });
  await experiment.add({ command: 'echo fine', held: true });
  await server.api.variables.set({ ...place, body: { value: 'another-one', secret: true } });
  await server.api.jobs.unhold({ params: { experiment: 'tune', number: 1 } });
  await experiment.reaches(1, 'done');
  // Another text than the secret itself is the job's business.
  expect((await experiment.log(1)).toString()).toBe('ANOTHER-ONE');
  await server.api.variables.remove(place);
  await server.api.jobs.requeue({ params: { experiment: 'tune', number: 1 } });
  await server.api.jobs.unhold({ params: { experiment: 'tune', number: 2 } });
  const [first, second] = await experiment.ends();
  expect([first!.status, second!.status]).toEqual(['aborted', 'done']);
  expect((await experiment.log(1, 'stderr')).toString()).toContain('secret variable TOKEN is not there any more');
});
