// `worker-status` and `show-config`: one worker of this machine.
import { hostname } from 'node:os';

import { formatDuration } from '../../core/progress.ts';
import { momentText, oneWorker, scriptOf, type Call } from './call.ts';
import { jobText, workerJson } from './lists.ts';

export async function showWorker(call: Call): Promise<void> {
  const worker = await oneWorker(call);
  const { agent } = worker;
  const { clock } = call.session.dependencies;
  const uptime = agent.started_at === 0 ? null : Math.max(0, clock.now() - agent.started_at);
  const job =
    worker.job === null
      ? 'none'
      : `${jobText(worker, null)}, attempt ${worker.job.attempt}${worker.job.started_at === null ? '' : `, for ${formatDuration(clock.now() - worker.job.started_at)}`}`;
  const ping = agent.silent_seconds === null ? 'not yet' : `${formatDuration(agent.silent_seconds * 1000)} ago`;
  await call.context.output.show({
    json: {
      ...workerJson(worker),
      ...{ host: hostname(), server: agent.server, uptime_seconds: uptime === null ? null : Math.round(uptime / 1000), silent_seconds: agent.silent_seconds },
      ...{ undelivered: agent.undelivered, trouble: agent.trouble },
    },
    ids: [worker.worker_id],
    blocks: [
      {
        fields: [
          ['worker_id', worker.worker_id],
          ['host', hostname()],
          ['pid', agent.pid === null ? '' : `${agent.pid}${agent.worker_ids.length > 1 ? ` (${agent.worker_ids.length} workers share it)` : ''}`],
          ['status', worker.status],
          ['current_job', job],
          ['started', momentText(agent.started_at)],
          ['uptime', uptime === null ? '' : formatDuration(uptime)],
          ['last_ping', ping],
          ['entry_script', scriptOf(agent)],
          ['machine_type', agent.launch.machine_class ?? ''],
          ['server', agent.server],
          ['log', worker.log_file],
          ...(agent.undelivered > 0 ? [['undelivered', `${agent.undelivered}, until the server takes them`] as const] : []),
          ...(agent.trouble === null ? [] : [['trouble', agent.trouble] as const]),
          ...(worker.status === 'draining' ? [['note', 'It finishes its job, takes no other one, and leaves.'] as const] : []),
        ],
      },
    ],
  });
}

export async function showLaunch(call: Call): Promise<void> {
  const { agent, worker_id } = await oneWorker(call);
  const { launch } = agent;
  const config = {
    api_key: 'not kept: the worker has a secret of its own',
    ca_file: launch.ca_file,
    cache: launch.cache,
    cwd: launch.cwd,
    entry_script: launch.script,
    expId: launch.experiments?.join(',') ?? null,
    jd_data: launch.data,
    log_dir: launch.log_dir,
    log_level: launch.log_level,
    machine_type: launch.machine_class,
    num_workers: launch.workers,
    once: launch.once,
    process_id: launch.process_id,
    python: launch.interpreter,
    server: launch.server,
  };
  await call.context.output.show({
    json: { worker_id, ...config, api_key: null },
    ids: [worker_id],
    blocks: [{ fields: Object.entries(config).map(([name, value]) => [name, value === null ? '-' : String(value)] as const) }],
  });
}
