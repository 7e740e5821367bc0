// The agent as one executable: a copy of Node with the agent's program in it (a single executable application of Node).
import { execFile } from 'node:child_process';
import { chmod, copyFile, mkdtemp, open, rename, rm, stat, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';

import type { AgentTarget } from '../core/agent-targets.ts';

import { makeDirectories } from '../runtime/make-directories.ts';
import { CliFailure, EXIT } from './failure.ts';

const run = promisify(execFile);

/** Node looks for the program in a note of this name, and for this mark to learn whether there is one. */
const NOTE = 'NODE_SEA_BLOB';
const MARK = 'NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2';

export interface AgentExecutable {
  readonly target: AgentTarget;
  /** A Node executable for the target; the version of `own_node`. */
  readonly node: string;
  /** This machine's Node, which prepares the program. */
  readonly own_node: string;
  /** The agent bundled as a CommonJS file. */
  readonly program: string;
  readonly output: string;
}

/** Makes `output`, or leaves what was there. Returns its size in bytes. */
export async function buildAgentExecutable({ target, node, own_node, program, output }: AgentExecutable): Promise<number> {
  await checkNode(node, target);
  if ((await stat(program).catch(() => null)) === null) throw refusal(`${program} is missing. Install Drover again, or run: npm run build`);
  makeDirectories(dirname(output));
  // Beside the output, so that it can be moved there at once.
  const work = await mkdtemp(join(dirname(output), '.agent-build-'));
  try {
    const [config, blob, executable] = [join(work, 'config.json'), join(work, 'blob'), join(work, basename(output))];
    await writeFile(config, JSON.stringify({ main: program, output: blob, disableExperimentalSEAWarning: true }));
    await run(own_node, ['--experimental-sea-config', config]);
    await copyFile(node, executable);
    await chmod(executable, 0o755);
    // As a program of its own, because it holds the whole file in memory and reports on streams of its own.
    const injector = createRequire(import.meta.url).resolve('postject/dist/cli.js');
    await run(own_node, [injector, executable, NOTE, blob, '--sentinel-fuse', MARK], { maxBuffer: 16 * 1024 * 1024 });
    await rename(executable, output);
    return (await stat(output)).size;
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

function refusal(message: string): CliFailure {
  return new CliFailure(EXIT.refused, message);
}

const ELF_MACHINES: Readonly<Record<AgentTarget, number>> = { 'linux-x64': 62, 'linux-arm64': 183 };
const PART_BYTES = 1024 * 1024;

/** Wrong files are told apart before anything is copied: another system, another processor, a Node that cannot hold a program, another version. */
async function checkNode(path: string, target: AgentTarget): Promise<void> {
  const version = `v${process.versions.node}`;
  const file = await open(path).catch(() => null);
  if (file === null) throw refusal(`There is no file ${path}. --node takes the node executable of a Node for ${target}.`);
  try {
    const head = Buffer.alloc(20);
    await file.read(head, 0, head.length, 0);
    const isElf = head.subarray(0, 4).equals(Buffer.from('\x7fELF', 'latin1'));
    if (!isElf || head.readUInt16LE(18) !== ELF_MACHINES[target]) {
      throw refusal(`${path} is no Node for ${target}. Unpack Node ${version} for ${target} and pass its bin/node as --node.`);
    }
    const found = await findTexts(file, [MARK, version]);
    if (!found.has(MARK)) {
      throw refusal(
        `${path} cannot hold a program: it is a Node that was built as a library, as some distributions do. Pass a Node from nodejs.org as --node.`,
      );
    }
    if (!found.has(version)) {
      throw refusal(`${path} is not of version ${version}, which prepares the program here. Take that version for ${target}.`);
    }
  } finally {
    await file.close();
  }
}

/** Which of these short texts are in the file. */
async function findTexts(file: Awaited<ReturnType<typeof open>>, texts: readonly string[]): Promise<Set<string>> {
  const found = new Set<string>();
  const longest = Math.max(...texts.map((text) => text.length));
  const part = Buffer.alloc(PART_BYTES + longest);
  for (let at = 0; ; at += PART_BYTES) {
    const { bytesRead } = await file.read(part, 0, part.length, at);
    const bytes = part.subarray(0, bytesRead);
    for (const text of texts) if (!found.has(text) && bytes.includes(text, 0, 'latin1')) found.add(text);
    if (bytesRead < part.length || found.size === texts.length) return found;
  }
}
