// An agent that a test speaks for: it registers and syncs as the protocol says, on a host of any name, and runs nothing.
import type { Api } from './drover.ts';
import { apiOf } from './drover.ts';

export interface ToldAgent {
  /** `{host}_{instance}`. */
  readonly name: string;
  readonly worker_ids: readonly string[];
  sync(more?: Partial<Parameters<Api['agents']['sync']>[0]['body']>): Promise<Awaited<ReturnType<Api['agents']['sync']>>>;
}

interface Settings {
  readonly host: string;
  readonly instance: string;
  readonly workers: number;
  readonly experiments: string[];
  readonly machine_class?: string;
  readonly drives?: string[];
  readonly gpus?: number;
}

export async function tellAgent(server: { readonly api: Api; readonly url: string }, settings: Settings): Promise<ToldAgent> {
  const { gpus = 0, machine_class = null, ...named } = settings;
  const total = { cpus: 16, memory_bytes: 64e9, gpus };
  const facts = { version: '0.1.0', process_id: 4_711, platform: 'linux x64, node v20.19.0' };
  const agent = await server.api.agents.register({ body: { ...named, machine_class, total, ...facts } });
  const own = apiOf(server.url, agent.secret);
  let sync_seq = 0;
  return {
    name: `${agent.host}_${agent.instance}`,
    worker_ids: agent.worker_ids,
    sync(more = {}) {
      sync_seq += 1;
      const said = { incarnation: 'told', sync_seq, sent_at: new Date().toISOString(), free_slots: [], free: total, running: [], finished: [] };
      return own.agents.sync({ body: { ...said, ...more } });
    },
  };
}
