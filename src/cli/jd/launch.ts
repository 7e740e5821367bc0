// Starts workers: in the background, or in this terminal.
import { agentOptions } from '../agent-options.ts';
import { CliFailure, isApiError } from '../failure.ts';
import { checkLaunch } from '../launch-checks.ts';
import { counted, namedExperiment, settingsOf, type Call } from './call.ts';

const SETTING_NAMES = { script: 'entry_script=', class: 'machine_type', workspace: 'JD_WORKSPACE_PATH', cache: 'JD_CACHE_PATH', log_dir: 'log_dir=' } as const;

export async function launch(call: Call): Promise<void> {
  const { context, line, session } = call;
  const { agent, env } = session.dependencies;
  const experiment = await namedExperiment(call);
  const settings = await settingsOf(context);
  const { url, api_key } = await context.connection();
  const workers = settings.workers ?? 1;
  const options = {
    ...agentOptions(
      { ...settings, class: settings.class ?? 'worker' },
      {
        server: url,
        api_key,
        experiments: [experiment],
        workers,
        drives: [],
        driver: null,
        foreground: settings.foreground,
        once: settings.once,
        parent_pipe: false,
      },
    ),
    worker_logs: true,
    pruned: session.pruned,
    process_id: workers > 1 ? null : (line.values.process_id ?? 0),
  };
  checkLaunch(options, session.dependencies, SETTING_NAMES);
  if (line.values.api_key !== undefined && env['JD_API_KEY'] === undefined)
    context.output.note('Other users of this machine can see keys on a command line. Better: export JD_API_KEY=…');
  if (settings.script === null) context.output.note('Without entry_script= these workers take only jobs that have a command of their own.');
  const reached = <T>(begin: () => Promise<T>): Promise<T> => (api_key === null ? insteadOfKey(call, begin) : begin());
  if (!settings.foreground) return launchBehind(call, { experiment, start: () => reached(() => agent.start(options)) });
  const code = await reached(() => agent.run(options));
  if (code !== 0) throw new CliFailure(code);
}

/** Without a key only a dead launch can be taken over. That a key is missing is no news where no server answers. */
async function insteadOfKey<T>({ context }: Call, begin: () => Promise<T>): Promise<T> {
  try {
    return await begin();
  } catch (error) {
    const { client } = await context.connection();
    const silence = await client.access.whoami({}).then(
      () => null,
      (other: unknown) => (isApiError(other) && other.code === 'unreachable' ? other : null),
    );
    throw silence ?? error;
  }
}

type Start = () => ReturnType<Call['session']['dependencies']['agent']['start']>;

async function launchBehind({ context, session }: Call, { experiment, start }: { experiment: string; start: Start }): Promise<void> {
  const started = await start();
  const { cache } = await settingsOf(context);
  const [agent] = await session.dependencies.agent.list({ cache, experiment, names: started.worker_ids, keep: false });
  const logOf = (id: string): string => agent?.workers.find(({ worker_id: each }) => each === id)?.log_file ?? started.log_file ?? '';
  const workers = started.worker_ids.map((id) => ({ worker_id: id, pid: started.pid, log_file: logOf(id) }));
  await context.output.show({
    json: { experiment, instance: started.instance, pid: started.pid, workers },
    ids: started.worker_ids,
    blocks: [
      {
        table: {
          columns: [{ title: 'WORKER_ID' }, { title: 'PID' }, { title: 'LOG', shrinks: true }],
          rows: workers.map((worker) => [worker.worker_id, String(worker.pid), worker.log_file]),
        },
      },
    ],
  });
  const expId = session.interactive ? '' : `expId=${experiment} `;
  const program = session.interactive ? '' : 'jd_worker_cli ';
  context.output.note(
    `${counted(workers.length, 'worker')} of ${experiment} in the background, process ${started.pid}. ${workers.length === 1 ? 'It goes' : 'They go'} on when you log out.`,
  );
  context.output.note(`List: ${program}${expId}worker-list   Stop: ${program}${expId}stop all`);
}
