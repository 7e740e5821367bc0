// The tour of expjobserver, each command as its document types it, with what `j` says: kept in j-transcript.txt beside this file.
// `npx vitest run test/process/j-transcript.test.ts -u` writes it anew; read it then as somebody who sees it for the first time.
import { hostname } from 'node:os';
import { join } from 'node:path';

import { expect, test } from 'vitest';

import { openStage, type Stage } from '../support/drover.ts';
import { eventually } from '../support/eventually.ts';
import { J } from '../support/jd.ts';

const BAR = `#!/bin/sh
echo "bar $*"
echo "a warning" >&2
gate=$GATES/$JD_JOB_ID
while [ ! -e "$gate" ]; do sleep 0.02; done
`;

test('the tour: every command says what it said when somebody last read it', { timeout: 300_000 }, async (lifetime) => {
  const stage = openStage(lifetime);
  const server = await stage.server();
  stage.file('gates/.here', '');
  stage.file('work/bar', BAR);
  stage.file('work/my-experiment-cmd', '#!/bin/sh\necho "$@"\n');
  Object.assign(stage.env, { GATES: stage.path('gates'), DROVER_URL: server.url, PATH: `${stage.path('work')}:${stage.env['PATH']}` });
  await stage.start(['chmod', '+x', stage.path('work/bar'), stage.path('work/my-experiment-cmd')]).exited;
  const lines: string[] = [];
  const title = (text: string): void => void lines.push(`\n# ${text}\n`);
  /** One line as a shell reads it. */
  const shell = async (line: string): Promise<{ code: number | null; output: string; stdout: string }> => {
    const program = stage.start(['sh', '-c', `j() { '${process.execPath}' '${J}' "$@"; }; ${line}`]);
    const { code } = await program.exited;
    return { code, output: program.output(), stdout: program.stdout().toString() };
  };
  const run = async (line: string): Promise<void> => {
    const { code, output } = await shell(line);
    lines.push(`$ ${line}\n${output}${code === 0 ? '' : `(exit ${code})\n`}`);
  };
  const becomes = (number: number, status: string): Promise<void> =>
    eventually(async () => expect((await server.api.jobs.get({ params: { experiment: 'pool', number } })).job.status).toBe(status));
  const open = (...numbers: number[]): void => numbers.forEach((number) => stage.file(`gates/${number}`, ''));

  title('Listing and enqueuing jobs');
  await run('j job ls');
  await run('j ping');
  await run('j job add foo "bar --the --foo baz" /path/to/results/dir -x 3');
  await run('j job ls');
  await stage.drover(['worker', 'start', '--experiment', 'pool', '--class', 'foo']);
  lifetime.onTestFinished(async () => void (await stage.drover(['worker', 'stop', '--all'])));
  await becomes(1, 'running');
  await run('j job ls');
  await run('j job hold 3');
  await run('j job ls 3');
  open(1);
  await becomes(2, 'running');
  await run('j job log 1');
  await run('cat $(j job log -e 1)');
  await run('j job log -l 1');
  open(2);
  await becomes(2, 'done');
  await run('j job log -t 2');
  await run('j job unhold 3');
  await becomes(3, 'running');
  await run('j job hold 3');
  await run('j job settimeout 90 3');
  await run('j job restart 3');
  await becomes(3, 'aborted');
  await becomes(4, 'running');
  await run('j job rm 4');
  await becomes(4, 'aborted');
  await run('j job rm 1');
  await run('j job clone 1 -x 2');
  open(5, 6);
  await becomes(6, 'done');
  await run('j job tag set 5 6 baseline');
  await run('j job tag ls');
  await run('j job tag ls baseline');
  await run('j job tag unset 5 6');
  await run('j job stat --csv --jid --status --cmd --class --results_dir');
  await run('j job stat 1 --json --jid --error --vars');
  await run('j job cpresults results 1-2');
  await run('echo mine > results/1/stdout; j job cpresults results 1-2');
  await run('j job rm -f 4');
  await run('j job ls');

  title('Job matrices');
  await run(
    'j job matrix add foo "my-experiment-cmd --param0 {I} --param1 {J} --param2 {K}" /path/to/copy/results/ I=1,2,3,4 J=linear,quadratic,exotic K=banana,rockingchair,airplane',
  );
  await becomes(42, 'done');
  const { stdout: all } = await shell('j job ls 7-99 --json');
  expect(JSON.parse(all)).toHaveLength(36);
  await run('j job ls');
  await run('j job matrix ls');
  const { stdout: rows } = await shell('j job matrix stat 1');
  expect(rows.trim().split('\n')).toHaveLength(1 + 36);
  await run('j job matrix stat 1 | tail -2');
  await run('j job matrix csv 1 matrix.csv; head -3 matrix.csv; wc -l < matrix.csv');
  await run(`j job matrix add foo "my-experiment-cmd {I}" 'I="a,b",c' -x 2`);
  await run('j job matrix add nobody "cmd {I}" I=1,,1');

  title('Machines and variables');
  for (const line of [
    'j machine add my.machine.foo.com:22 bar',
    'j machine ls -c bar',
    'j machine mv baz -m my.machine.foo.com:22',
    'j machine rm -c baz',
    'j machine ls -c baz',
    'j var set GREETING hello',
    'j job add foo "echo {GREETING}"',
  ])
    await run(line);

  title('Mistakes');
  for (const line of [
    'j jobs ls',
    'j job lss',
    'j machines ls',
    'j machine rm -m nowhere',
    'j machine add -oProxyCommand=x foo',
    'j job log 0',
    'j job log 99',
    'j job rm 99',
    'j job add foo',
    'j job add foo "cmd {X}"',
    'j job add foo cmd results',
    'j job add "no class" cmd',
    'j job settimeout soon 1',
    'j job matrix stat 9',
  ])
    await run(line);
  await server.stop();
  await run('j ping');

  await expect(readable(lines.join('\n'), stage, server.url)).toMatchFileSnapshot(join(import.meta.dirname, 'j-transcript.txt'));
});

/** What differs from run to run. */
function readable(text: string, stage: Stage, url: string): string {
  const host = hostname()
    .toLowerCase()
    .split('.')[0]!
    .replace(/[^a-z0-9]/g, '')
    .slice(0, 12);
  return `${text
    // Lines of a CSV end as its standard says.
    .replaceAll('\r\n', '\n')
    .replaceAll(stage.path('work'), '~/work')
    .replaceAll(stage.path('home'), '~')
    .replaceAll(new URL(url).host.replace(':', '_'), '127.0.0.1_5000')
    .replaceAll(url, 'http://127.0.0.1:5000')
    .replaceAll(new URL(url).host, '127.0.0.1:5000')
    .replace(/(Waiting|Held|Running|Done|Failed) \d+m?\d*s/g, '$1 1s')
    .replace(new RegExp(`\\b${host}\\b`, 'g'), 'lab')
    .replace(/(?<=\S) {2,}/g, '  ')
    .trim()}\n`;
}
