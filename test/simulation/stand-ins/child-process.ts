// The two programs that an agent calls by name, on the simulated disk.
import { diskOf } from './current.ts';

type Done = (error: Error | null) => void;

export function execFile(program: string, words: readonly string[], _options: unknown, done: Done): void {
  if (program === 'rm') {
    const paths = words.filter((word) => !word.startsWith('-'));
    const disk = diskOf(paths[0] ?? '');
    // Another process: it goes on when the agent dies.
    disk?.machine.world.after(2, () => paths.forEach((path) => disk.remove(path, { recursive: true, force: true })));
    if (disk?.life) disk.machine.deliver(disk.life, 3, () => done(null));
    return;
  }
  const disk = diskOf(words.at(-1) ?? '');
  if (disk?.life) disk.machine.deliver(disk.life, 1, () => done(new Error(`${program} is not there`)));
}

export function spawn(): never {
  throw new Error('the simulation starts processes through the launcher port');
}
