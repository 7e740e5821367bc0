// Every command of the documents of `jd_worker_cli`, in their order, with what it says: kept in jd-transcript.txt beside this file.
// `npx vitest run test/process/jd-transcript.test.ts -u` writes it anew; read it then as somebody who sees it for the first time.
import { hostname } from 'node:os';
import { join } from 'node:path';

import { expect, test } from 'vitest';

import { openStage, type Stage } from '../support/drover.ts';
import { eventually } from '../support/eventually.ts';
import { createExperiment } from '../support/experiment.ts';
import { openJd } from '../support/jd.ts';

const TRAIN = `
import os, time
print("training on", os.environ["JD_EXP_ID"], flush=True)
gate = os.environ["GATES"] + "/" + os.environ["JD_JOB_ID"]
while not os.path.exists(gate):
    time.sleep(0.02)
`;

interface Worker {
  readonly worker_id: string;
  readonly pid: number;
  readonly job: { readonly number: number } | null;
}

test('every command says what it said when somebody last read it', async (lifetime) => {
  const stage = openStage(lifetime);
  const server = await stage.server();
  const experiment = await createExperiment(server, 'digits-tune', { grace_seconds: 5 });
  stage.file('work/train.py', TRAIN);
  stage.file('gates/.here', '');
  stage.env['GATES'] = stage.path('gates');
  const jd = openJd(stage, server.url);
  const lines: string[] = [];
  const title = (text: string): void => void lines.push(`\n# ${text}\n`);
  /** A command line of the documents; `gpunode_egg_0` is the first worker of the newest launch. */
  const run = async (line: string, options: Parameters<typeof jd>[1] = {}): Promise<void> => {
    const { code, output } = await jd(line.replaceAll('gpunode_egg', '{W}'), options);
    const input = options.input === undefined ? '' : `echo ${options.input.trim().replaceAll('\n', '; echo ')} | `;
    lines.push(`$ ${input}jd_worker_cli ${line}\n${output}${code === 0 ? '' : `(exit ${code})\n`}`);
  };
  const workers = () => jd.json<Worker[]>('expId=digits-tune worker-list');
  const busy = (count: number) =>
    eventually(async () => {
      const now = await workers();
      expect(now.filter(({ job }) => job !== null)).toHaveLength(count);
      return now;
    });

  title('1 Installation');
  await run('help');
  await run('version');

  title('2 Starting workers, background workers');
  await experiment.add({});
  await run('expId=digits-tune entry_script=train.py num_workers=4');
  await busy(1);
  await run('expId=digits-tune worker-list');
  await run('exp-list');
  await run('expId=digits-tune stop gpunode_egg_3');
  await run('expId=digits-tune worker-status gpunode_egg_0');
  await run('expId=digits-tune show-config gpunode_egg_0');
  // What a job prints is copied once a second.
  await eventually(async () => expect(await jd.ok('expId=digits-tune worker-logs {W}_0')).toContain('OUT'));
  await run('expId=digits-tune worker-logs gpunode_egg_0 lines=2');
  await run('expId=digits-tune exp-status');
  await run('expId=digits-tune server-info');
  await run('expId=digits-tune health');
  await run('expId=digits-tune where');
  await run('expId=digits-tune stop job=1');
  // Which of the others takes it is nobody's business: from here on all are idle.
  stage.file('gates/1', '');
  await experiment.ends();
  await busy(0);
  await run('expId=digits-tune restart gpunode_egg_1');
  await run('expId=digits-tune scale num_workers=6');
  await run('expId=digits-tune scale num_workers=2');
  await run('expId=digits-tune restart all');
  await run('expId=digits-tune drain');
  await eventually(async () => expect(await workers()).toEqual([]));
  await run('expId=digits-tune entry_script=train.py');
  await run('expId=digits-tune confirm-stop', { input: 'digits-tune\n' });
  await run('expId=digits-tune entry_script=train.py');
  await run('expId=digits-tune stop all confirm-stop=true', { input: 'yes\n' });
  await run('stop all-experiments');
  await run('expId=digits-tune stop all');
  await run('prune');

  title('Interactive mode');
  const here = 'jd[digits-tune]> ';
  const seen = await jd.typed([
    ['jd> ', 'use digits-tune\r'],
    ["Using experiment 'digits-tune'.", ''],
    [here, 'worker-list\r'],
    ['No workers of digits-tune', ''],
    [here, 'entry_script=train.py num_workers=4\r'],
    ['Stop: stop all', ''],
    [here, 'exp-status\r'],
    ['_3', ''],
    [here, 'stop all\r'],
    ['Stopped', ''],
    [here, 'exit\r'],
  ]);
  lines.push(`$ jd_worker_cli\n${seen.trimStart()}`);
  await run('-i expId=digits-tune', { input: 'use\nexit\n' });

  title('Examples');
  await experiment.add({});
  stage.file('gates/2', '');
  await run('expId=digits-tune entry_script=train.py foreground=true once=true');
  await run('expId=digits-tune entry_script=train.py machine_type=cpu');
  await run('expId=digits-tune stop all');
  await run('clear_all', { input: 'clear_all\n' });

  title('Mistakes');
  for (const line of [
    'worker-lst',
    'expId=digit-tune entry_script=train.py',
    'expId=digits-tune num_worker=4',
    'expId=digits-tune train.py',
    'worker-list',
    'expId=digits-tune worker-status egg',
  ])
    await run(line);
  await server.stop();
  await run('expId=digits-tune server-info');

  await expect(readable(lines.join('\n'), { stage, url: server.url })).toMatchFileSnapshot(join(import.meta.dirname, 'jd-transcript.txt'));
});

/** What differs from run to run: names, numbers and times of this one, and with them the widths of columns. */
function readable(text: string, { stage, url }: { stage: Stage; url: string }): string {
  const host = hostname()
    .toLowerCase()
    .replace(/[^a-z0-9]/g, '')
    .slice(0, 12);
  const words = new Map<string, string>();
  return `${text
    .replaceAll(stage.path('workspace'), '/scratch')
    .replaceAll(stage.path('work'), '~')
    .replaceAll(stage.path('cache'), '~/.jd_cache')
    .replaceAll(stage.path('home'), '~')
    .replaceAll(stage.env['PATH']!, '…')
    .replaceAll(url, 'http://127.0.0.1:5000')
    .replace(new RegExp(`(?<![a-z0-9])${host}_([a-z]+)(?=_\\d|\\b)`, 'g'), (_, word: string) => {
      if (!words.has(word)) words.set(word, words.size === 0 ? 'egg' : `egg${words.size + 1}`);
      return `gpunode_${words.get(word)!}`;
    })
    .replace(/^(host +).*/gm, '$1gpunode')
    .replace(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z/g, '2026-11-21T08:30:00Z')
    .replace(/\b(?:\d+m )?\d+s\b/g, (found) => (found === '30s' ? found : '5s'))
    // Before the numbers in columns are looked for: a short name of this machine leaves more room before them.
    .replace(/(?<=\S) {2,}/g, '  ')
    .replace(/(process |pid[ =]+|_\d  )\d+/g, '$14711')
    .replace(/(_\d {2}(?:idle|busy|draining|stopping) +(?:\d+ +)?)\d+$/gm, '$14711')
    .replace(/^(Node|Platform|python|Python of scripts)( +).*/gm, '$1$2…')
    .replace(/127\.0\.0\.1:(?!5000)\d+/g, '127.0.0.1:5000')
    .trim()}\n`;
}
