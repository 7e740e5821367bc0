// The grammar of jd_worker_cli: what lines mean, and what is said about those that mean nothing.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { maskSecrets, parseLine, splitLine } from './grammar.ts';
import { ARGUMENTS, COMMANDS, type ArgumentName, type CommandName } from './words.ts';

const parse = (typed: string) => parseLine(splitLine(typed));
const KEY = `jd${'_'}${'k3v9aTt2fYc8'.repeat(3)}`;

describe('what a line means', () => {
  test('words and values in any order', () => {
    const meant = { command: 'worker-logs', words: ['gpunode_egg_0'], values: { expId: 'digits-tune', lines: 100, follow: true } };
    expect(parse('expId=digits-tune worker-logs gpunode_egg_0 lines=100 follow=true')).toEqual(meant);
    expect(parse('follow=true gpunode_egg_0 worker-logs lines=100 expId=digits-tune')).toEqual(meant);
  });

  test.each<[typed: string, values: object]>([
    ['expId=digits-tune entry_script=train.py num_workers=4', { expId: 'digits-tune', entry_script: 'train.py', num_workers: 4 }],
    ['expId=d entry_script=train.py server=192.168.1.10 port=8000', { expId: 'd', entry_script: 'train.py', server: '192.168.1.10', port: 8000 }],
    ['expId=d foreground=true once=true', { expId: 'd', foreground: true, once: true }],
    ['--expId d --entry-script train.py --num-workers 4 --foreground', { expId: 'd', entry_script: 'train.py', num_workers: 4, foreground: true }],
    ['--exp-id=d', { expId: 'd' }],
    ['expid=d Num_Workers=2 hub_url=https://hub.example.org', { expId: 'd', num_workers: 2, hub: 'https://hub.example.org' }],
    [
      'expId=d machine_type=gpu-a100 process_id=3 log_dir="/scratch/my logs" once=FALSE',
      { expId: 'd', machine_type: 'gpu-a100', process_id: 3, log_dir: '/scratch/my logs', once: false },
    ],
    ['expId=d entry_script=a=b.py', { expId: 'd', entry_script: 'a=b.py' }],
  ])('%s starts workers', (typed, values) => {
    expect(parse(typed)).toEqual({ command: null, words: [], values });
  });

  test.each(Object.keys(COMMANDS) as CommandName[])('%s is a command, also in other spellings', (name) => {
    for (const typed of [name, name.toUpperCase(), name.replaceAll('-', '_'), name.replaceAll('_', '-')])
      expect(parseLine([typed])).toMatchObject({ command: name });
  });

  test('-i, -h, --help and --version', () => {
    expect(['-i', '-h', '--help', '-V', '--version'].map((token) => parseLine([token]).command)).toEqual(['interactive', 'help', 'help', 'version', 'version']);
  });

  test('stop with confirmation, as a word and as a value', () => {
    expect(parse('expId=d stop all confirm-stop=true')).toMatchObject({ command: 'stop', words: ['all'], values: { confirm_stop: true } });
    expect(parse('expId=d stop all confirm-stop')).toMatchObject({ command: 'stop', words: ['all'], values: { confirm_stop: true } });
    expect(parse('clear_all confirm-clear-all=true')).toMatchObject({ command: 'clear_all', values: { confirm_clear_all: true } });
  });

  test('every argument is taken as key=value and as a flag', () => {
    const example = (name: ArgumentName): string => ({ flag: 'true', number: '7', text: 'x', secret: KEY })[ARGUMENTS[name].kind];
    for (const name of Object.keys(ARGUMENTS) as ArgumentName[]) {
      const value = example(name);
      const meant = parseLine([`${name}=${value}`]);
      expect(meant.values[name], name).toBeDefined();
      expect(parseLine([`--${name}=${value}`])).toEqual(meant);
      expect(parseLine(ARGUMENTS[name].kind === 'flag' ? [`--${name}`] : [`--${name}`, value])).toEqual(meant);
    }
  });
});

describe('what is said about other lines', () => {
  test.each<[typed: string, said: RegExp]>([
    ['worker-lst', /no command "worker-lst"\. Did you mean worker-list\?/],
    ['expId=d exp_stats', /Did you mean exp-status\?/],
    ['expId=d num_worker=4', /no argument num_worker=\. Did you mean num_workers=\?/],
    ['expId=d --num-wokers 4', /Did you mean num_workers=\?/],
    ['expId=d train.py', /entry_script=train\.py/],
    ['start expId=d', /without a word/],
    ['expId=d workspace_path=/scratch', /JD_WORKSPACE_PATH/],
    ['expId=d num_workers=0', /whole number from 1 to 4096\. To stop all workers: stop all$/],
    ['expId=d num_workers=two', /num_workers="two" must be a whole number/],
    ['expId=d foreground=maybe', /neither true nor false/],
    ['expId=', /expId= needs a value: expId=<name>/],
    ['--expId', /--expId needs a value/],
    ['expId=a expId=b', /expId is given twice/],
    ['stop restart all', /One command at a time: stop or restart/],
    ['expId="d', /A " has no end/],
  ])('%s', (typed, said) => {
    expect(() => parse(typed)).toThrow(said);
  });

  test('a key is never repeated, wherever it was typed', () => {
    for (const typed of [
      `api_kay=${KEY}`,
      `--apikeyy=${KEY}`,
      KEY,
      `expId=d ${KEY}`,
      `num_workers=${KEY}`,
      `once=${KEY}`,
      `--${KEY}`,
      `${KEY}=x`,
      `${KEY}.py`,
    ]) {
      let said = '';
      try {
        parse(typed);
      } catch (error) {
        said = (error as Error).message;
      }
      expect(said, typed).not.toBe('');
      expect(said, typed).not.toContain(KEY.slice(3));
    }
    expect(maskSecrets(`api_key=${KEY} x`)).toBe(`api_key=jd_[secret] x`);
  });
});

describe('splitting a typed line', () => {
  test.each<[typed: string, words: string[]]>([
    ['', []],
    ['  worker-list  ;', ['worker-list']],
    ['worker-list;', ['worker-list']],
    [';;', []],
    [`entry_script='my train.py' log_dir="/a b/c"`, ['entry_script=my train.py', 'log_dir=/a b/c']],
    [String.raw`entry_script=my\ train.py "a \"b\" c" C:\temp`, ['entry_script=my train.py', 'a "b" c', String.raw`C:\temp`]],
    [`''`, ['']],
  ])('%j', (typed, words) => {
    expect(splitLine(typed)).toEqual(words);
  });

  test('words that were quoted come back, whatever is in them', () => {
    fc.assert(
      fc.property(fc.array(fc.string().filter((word) => !/[';]/.test(word))), (words) => {
        expect(splitLine(words.map((word) => `'${word}'`).join(' '))).toEqual(words);
      }),
    );
  });
});
