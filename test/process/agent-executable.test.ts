// `drover agent build`: one file, served by the server, runs jobs on a machine that has no Node.
import { chmodSync, existsSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { expect, test } from 'vitest';

import { openStage } from '../support/drover.ts';
import { eventually } from '../support/eventually.ts';
import { createExperiment } from '../support/experiment.ts';

const TARGET = `${process.platform}-${process.arch}`;
const canBuild = TARGET === 'linux-x64' || TARGET === 'linux-arm64';
if (!canBuild) process.stderr.write(`The test of the agent as an executable is skipped: none can be built for ${TARGET}.\n`);

test.skipIf(!canBuild)('an agent that was built and downloaded needs no Node: it starts, runs jobs, keeps them over a restart, and stops', async (context) => {
  const stage = openStage(context);
  const server = await stage.server();
  const experiment = await createExperiment(server, 'far');
  const built = await stage.drover(['agent', 'build', '--data-dir', server.data_dir, '--json']);
  expect(built, built.output).toMatchObject({ code: 0 });
  const reply = await fetch(`${server.url}/agent/${TARGET}`);
  expect(reply.status).toBe(200);
  const agent = stage.path('drover-agent');
  writeFileSync(agent, Buffer.from(await reply.arrayBuffer()));
  chmodSync(agent, 0o755);
  // All that this machine has.
  const programs = stage.path('programs');
  mkdirSync(programs);
  for (const name of ['sh', 'cat', 'sleep']) symlinkSync(['/bin', '/usr/bin'].map((place) => join(place, name)).find(existsSync)!, join(programs, name));
  const run = async (words: readonly string[]) => {
    const program = stage.start([agent, ...words], { PATH: programs, DROVER_API_KEY: server.key });
    return { ...(await program.exited), output: program.output() };
  };
  const prints = (number: number, text: string) => eventually(async () => expect((await experiment.log(number)).toString()).toBe(text));
  const started = await run(['start', '--url', server.url, '--experiment', 'far', '--workers', '2']);
  expect(started, started.output).toMatchObject({ code: 0 });
  stage.atEnd(() => void stage.start([agent, 'stop', 'all', '--force'], { PATH: programs }));
  await experiment.add({ command: 'echo {text}; command -v node', params: { text: 'no node here' } });
  await experiment.add({ command: `while [ ! -e ${stage.path('go')} ]; do sleep 0.05; done; echo went on` });
  await experiment.reaches(1, 'aborted');
  await prints(1, 'no node here\n');
  await experiment.reaches(2, 'running');
  const kept = await run(['restart', 'all', '--keep']);
  expect(kept, kept.output).toMatchObject({ code: 0 });
  writeFileSync(stage.path('go'), '');
  await experiment.reaches(2, 'done');
  await prints(2, 'went on\n');
  const stopped = await run(['stop', 'all']);
  expect(stopped, stopped.output).toMatchObject({ code: 0 });
});

test('a file that is no Node for the target is refused before anything is written', async (context) => {
  const stage = openStage(context);
  const refused = async (words: readonly string[]): Promise<string> => {
    const { code, output } = await stage.drover(['agent', 'build', '--output', stage.path('out/agent'), ...words]);
    expect(code, output).toBe(3);
    return output;
  };
  expect(await refused(['--node', stage.path('nowhere')])).toContain('There is no file');
  expect(await refused(['--node', stage.file('text', 'not a program')])).toContain('is no Node for');
  const other = TARGET === 'linux-arm64' ? 'linux-x64' : 'linux-arm64';
  expect(await refused(['--target', other])).toContain(`is no Node for ${other}`);
  // Of the right kind, but nothing like Node.
  expect(await refused(['--node', '/bin/sh', ...(canBuild ? [] : ['--target', 'linux-x64'])])).toMatch(/cannot hold a program|is no Node for/);
  expect(existsSync(stage.path('out')) ? readdirSync(stage.path('out')) : []).toEqual([]);
});
