// What an agent is started with, from the settings.
import type { Settings } from '../runtime/config.ts';
import type { AgentOptions } from '../runtime/local-agents.ts';

export type AgentChoice = Pick<AgentOptions, 'server' | 'api_key' | 'experiments' | 'workers' | 'drives' | 'driver' | 'foreground' | 'once' | 'parent_pipe'>;

export function agentOptions(settings: Settings, choice: AgentChoice): AgentOptions {
  return {
    ...choice,
    script: settings.script,
    machine_class: settings.class,
    python: settings.python,
    workspace: settings.workspace,
    cache: settings.cache,
    log_dir: settings.log_dir,
    ca_file: settings.ca_file,
    log_level: settings.log_level,
  };
}
