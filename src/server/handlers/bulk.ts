// One thing done to many jobs: previewed, in one commit, or as an operation that goes on after the reply.
import type { contract } from '../../contract/index.ts';
import { formatRanges, toRanges } from '../../core/identifiers.ts';
import { LIMITS } from '../../core/limits.ts';
import { Refusal } from '../../core/refusal.ts';
import { toIso } from '../../runtime/clock.ts';
import { ALL, jobNumbers, previewAction, type Unmade, unmadeJobs } from '../../store/bulk-selection.ts';
import { type ActionRequest, actOnJobs } from '../../store/job-actions.ts';
import type { JobFilter } from '../../store/job-search.ts';
import { findOperation, listOperations, type Operation, startOperation } from '../../store/operations.ts';
import { readTags } from '../../store/search-index.ts';
import { actorName, type Call, type Handlers, namedExperiment } from '../context.ts';
import { writeOnce } from '../idempotency.ts';
import { readFilter } from '../job-filter.ts';
import { invalid } from '../new-jobs.ts';

type BulkHandlers = Pick<Handlers<typeof contract>['jobs'], 'bulk' | 'tags' | 'operation' | 'operations'>;

const LISTED = 100;

export const bulkHandlers: BulkHandlers = {
  async bulk({ body }, call) {
    if (body.action === 'set_priority' && body.priority === undefined) throw invalid('set_priority needs `priority`.', 'priority');
    if (body.action === 'set_timeout' && body.timeout_seconds === undefined) throw invalid('set_timeout needs `timeout_seconds`.', 'timeout_seconds');
    const { action, tags, timeout_seconds } = body;
    if ((action === 'add_tags' || action === 'remove_tags') && tags === undefined) throw invalid(`${action} needs \`tags\`.`, 'tags');
    const common = { action, force: body.force, priority: body.priority ?? 0, actor: actorName(call.actor) };
    const request: ActionRequest = { ...common, ...(tags === undefined ? {} : { tags }), ...(timeout_seconds === undefined ? {} : { timeout_seconds }) };
    const filter = await readFilter(call, body.filter);
    if (body.dry_run) return preview(call, filter, request);
    const { store } = call.context;
    const { id } = namedExperiment(call);
    const route = `jobs.bulk ${id}`;
    const [numbers, unmade] = await Promise.all([
      jobNumbers(store, id, filter, { after: 0, up_to: ALL, limit: LIMITS.bulk_jobs.value + 1 }),
      unmadeJobs(store, id, filter),
    ]);
    if (numbers.length > LIMITS.bulk_jobs.value || unmade !== null) return operate(call, { route, body, filter, request, unmade });
    // Looked at again in the commit: a job that ended meanwhile is left as it is.
    const found = {
      ...(filter.statuses === undefined ? {} : { statuses: filter.statuses }),
      ...(filter.held === undefined ? {} : { held: filter.held }),
      ...(filter.forgotten === undefined ? {} : { forgotten: filter.forgotten }),
      numbers,
    };
    return writeOnce(call, route, body, async (tx) => {
      const { matched, changed, refused } = await actOnJobs(tx, id, found, request);
      return reply(request, { dry_run: false, matched, changed: changed.length, refused, numbers: changed, operation: null });
    });
  },
  async tags(_input, call) {
    const { sql } = call.context.store;
    return { tags: await readTags(sql, namedExperiment(call).id, LIMITS.listed_tags.value) };
  },
  async operation({ params }, call) {
    const operation = await findOperation(call.context.store, namedExperiment(call).id, params.operation_id);
    if (operation === null) throw new Refusal('not_found', `There is no operation ${params.operation_id} in this experiment.`);
    return operationShape(operation);
  },
  async operations(_input, call) {
    const operations = await listOperations(call.context.store, namedExperiment(call).id, LISTED);
    return { operations: operations.map(operationShape) };
  },
};

async function preview(call: Call, filter: JobFilter, request: ActionRequest) {
  const found = await previewAction(call.context.store, namedExperiment(call).id, filter, request);
  return reply(request, { ...found, dry_run: true, operation: null });
}

interface Asked {
  readonly route: string;
  readonly body: unknown;
  readonly filter: JobFilter;
  readonly request: ActionRequest;
  readonly unmade: Unmade | null;
}

async function operate(call: Call, { route, body, filter, request, unmade }: Asked) {
  const { id } = namedExperiment(call);
  const found = await previewAction(call.context.store, id, filter, request);
  const matched = found.matched + (unmade?.count ?? 0);
  return writeOnce(call, route, body, async (tx) => {
    const operation = await startOperation(tx, { experiment_id: id, filter, request, matched });
    return reply(request, { dry_run: false, matched, changed: 0, refused: {}, numbers: [], operation: operationShape(operation) });
  });
}

interface Done {
  readonly dry_run: boolean;
  readonly matched: number;
  readonly changed: number;
  readonly refused: object;
  readonly numbers: readonly number[];
  readonly operation: ReturnType<typeof operationShape> | null;
}

function reply({ action }: ActionRequest, { numbers, refused, ...rest }: Done) {
  return { action, ...rest, refused: refused as Record<string, number>, jobs: formatRanges(toRanges(numbers)) };
}

function operationShape(operation: Operation) {
  const { id, action, matched, done, changed, refused, created_at, created_by, finished_at, problem } = operation;
  return {
    id,
    action,
    state: problem !== null ? ('failed' as const) : finished_at === null ? ('running' as const) : ('done' as const),
    matched: Math.max(matched, done),
    done,
    changed,
    refused: refused as Record<string, number>,
    created_at: toIso(created_at),
    created_by,
    finished_at: finished_at === null ? null : toIso(finished_at),
    problem,
  };
}
