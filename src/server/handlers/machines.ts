// The machines of workers over time.
import type { contract } from '../../contract/index.ts';
import { fromIso, toIso } from '../../runtime/clock.ts';
import { findWorker } from '../../store/worker-record.ts';
import { readMachine } from '../../store/machine-samples.ts';
import { type Handlers, namedExperiment } from '../context.ts';
import { invalid } from '../new-jobs.ts';

const HOUR_MS = 3_600_000;

export const machineHandlers: Handlers<typeof contract>['machines'] = {
  async series({ params, query }, call) {
    const { store, clock } = call.context;
    const { agent_id } = await findWorker(store, namedExperiment(call), params.worker);
    const now = clock.now();
    const until = query.until === undefined ? now : fromIso(query.until);
    const from = query.from === undefined ? until - HOUR_MS : fromIso(query.from);
    if (from >= until) throw invalid('The stretch of time ends before it begins.', 'from');
    const { piece_ms, series } = await readMachine(store, { agent_id, from, until, points: query.points, now });
    return { worker_id: params.worker, from: toIso(from), until: toIso(until), piece_seconds: piece_ms / 1000, series: [...series] };
  },
};
