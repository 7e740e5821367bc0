// Saved views: shared by all who may see the experiment, changed by those who may operate it.
import type { contract, JobView } from '../../contract/index.ts';
import { toIso } from '../../runtime/clock.ts';
import { changeView, createView, deleteView, listViews, type SavedView } from '../../store/views.ts';
import { actorName, type Handlers, namedExperiment } from '../context.ts';
import { writeOnce } from '../idempotency.ts';

export const viewHandlers: Handlers<typeof contract>['views'] = {
  async list(_input, call) {
    const views = await listViews(call.context.store, namedExperiment(call).id);
    return { views: views.map(viewShape) };
  },
  async create({ body }, call) {
    const { id } = namedExperiment(call);
    const wanted = { experiment_id: id, name: body.name, view_json: JSON.stringify(body.view), actor: actorName(call.actor) };
    return viewShape(await writeOnce(call, `views.create ${id}`, body, (tx) => createView(tx, wanted)));
  },
  async change({ params, body }, call) {
    const change = {
      experiment_id: namedExperiment(call).id,
      id: params.view_id,
      name: body.name,
      view_json: body.view === undefined ? undefined : JSON.stringify(body.view),
      actor: actorName(call.actor),
    };
    return viewShape(await call.context.store.write((tx) => changeView(tx, change)));
  },
  async remove({ params }, call) {
    const { id } = namedExperiment(call);
    await call.context.store.write((tx) => deleteView(tx, { experiment_id: id, id: params.view_id, actor: actorName(call.actor) }));
    return { deleted: true };
  },
};

function viewShape({ id, name, view_json, updated_at, updated_by }: SavedView) {
  return { id, name, view: JSON.parse(view_json) as JobView, updated_at: toIso(updated_at), updated_by };
}
