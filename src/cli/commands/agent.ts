// `drover agent build`: the agent as one file that needs nothing on its machine, not even Node.
import { Option, type Command } from 'commander';

import { AGENT_TARGETS, agentExecutablePath, type AgentTarget } from '../../core/agent-targets.ts';
import type { SettingName } from '../../runtime/config.ts';

import { addCommand, addGroup, onRunWith, type AddCommand } from '../command.ts';
import type { CliDependencies } from '../dependencies.ts';

export const addAgent: AddCommand = (program, dependencies) => {
  addBuild(addGroup(program, 'agent', 'The program that runs jobs, for machines without Drover'), dependencies);
};

interface BuildOptions {
  readonly target?: AgentTarget;
  readonly node?: string;
  readonly output?: string;
}

const SETTINGS: readonly SettingName[] = ['data_dir'];

function addBuild(parent: Command, dependencies: CliDependencies): void {
  const command = addCommand(parent, 'build', {
    summary: 'Make the agent one executable, for machines without Node',
    examples: ['agent build', 'agent build --output ./drover-agent', 'agent build --target linux-arm64 --node ./node-v20-linux-arm64/bin/node'],
    notes:
      'Without --output the file goes into the data directory, from where the server of this version serves it at /agent/TARGET. Where Node 20 is installed, GET /agent.mjs is smaller and does the same.',
  })
    .addOption(new Option('--target <target>', 'kind of machine (that of this one)').choices(AGENT_TARGETS))
    .option('--node <file>', 'a node executable for the target, of the version that runs this command (that one itself)')
    .option('--output <file>', 'where to write it, instead of the data directory')
    .option('--data-dir <dir>', "the server's data directory (DROVER_DATA_DIR)");
  onRunWith<BuildOptions>({ command, dependencies, settings: SETTINGS }, async ({ context, options }) => {
    const [{ buildAgentExecutable }, { bytesText }, { resolve, join }] = await Promise.all([
      import('../agent-executable.ts'),
      import('../sizes.ts'),
      import('node:path'),
    ]);
    const { cwd, version, package_root } = dependencies;
    const target = options.target ?? ownTarget();
    const { settings } = await context.configuration();
    const served = join(resolve(cwd, settings.data_dir), ...agentExecutablePath(target, version));
    const output = options.output === undefined ? served : resolve(cwd, options.output);
    const size_bytes = await buildAgentExecutable({
      target,
      node: options.node === undefined ? process.execPath : resolve(cwd, options.node),
      own_node: process.execPath,
      program: join(package_root, 'dist/agent.cjs'),
      output,
    });
    const { serverUrl } = await import('../../runtime/config.ts');
    const url = `${serverUrl(await context.configuration())}/agent/${target}`;
    if (output === served) context.output.note(`On a machine: curl -fo drover-agent ${url} && chmod +x drover-agent && ./drover-agent --help`);
    await context.output.show({
      json: { file: output, target, version, size_bytes },
      ids: [output],
      blocks: [{ text: `${output}  ${bytesText(size_bytes)}` }],
    });
  });
}

/** What this machine is, when agents can be built for it. */
function ownTarget(): AgentTarget {
  const own = `${process.platform}-${process.arch}`;
  return AGENT_TARGETS.find((target) => target === own) ?? 'linux-x64';
}
