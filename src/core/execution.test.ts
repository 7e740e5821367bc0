import { expect, test } from 'vitest';

import { commandLineOf } from './execution.ts';

test.each([
  [['/bin/sh', '-c', 'python3 train.py | tee out'], 'python3 train.py | tee out'],
  [['/venv/bin/python', 'train.py', '--text', "it's here", '--lr', '0.1'], `/venv/bin/python train.py --text 'it'\\''s here' --lr 0.1`],
  [['/bin/sh', '-c'], '/bin/sh -c'],
  [['train.sh', ''], `train.sh ''`],
])('%j', (words, line) => expect(commandLineOf(words)).toBe(line));
