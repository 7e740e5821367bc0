// The server itself: its status, the live stream of events, and history.
import type { contract } from '../../contract/index.ts';
import { Refusal } from '../../core/refusal.ts';
import { toIso } from '../../runtime/clock.ts';
import { experimentHistory, jobHistory } from '../../store/events.ts';
import { findExperiment, listExperiments } from '../../store/experiments.ts';
import { isPerson, requireVisible } from '../access.ts';
import { type Call, type Handlers, namedExperiment } from '../context.ts';
import { eventShape } from '../event-view.ts';
import { parseQuery } from '../query-string.ts';

export const serverHandlers: Handlers<typeof contract>['server'] = {
  async status(_input, call) {
    const { store, version, started_at, clock } = call.context;
    const visible = isPerson(call.actor) ? call.actor.experiments : [];
    const experiments = await listExperiments(store, visible);
    return {
      server: { version, store_id: store.id, database: store.dialect, started_at: toIso(started_at), now: toIso(clock.now()) },
      experiments: experiments.map(({ name, counts }) => ({ name, counts })),
    };
  },
  async events({ query }, call) {
    const names = query.experiment === undefined ? [] : [query.experiment].flat();
    const ids = new Set<number>();
    for (const name of names) ids.add(requireVisible(call.actor, await findExperiment(call.context.store, name), name).id);
    const body = await call.context.stream.open({
      actor: call.actor,
      experiments: names.length === 0 ? null : ids,
      cursor: cursorOf(call),
      recheck: async () => (await call.context.access.authenticate(call.request.headers)).actor,
    });
    return new Response(body, { headers: { 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-store', 'x-accel-buffering': 'no' } });
  },
  async history({ query }, call) {
    const { store } = call.context;
    const before = query.cursor === undefined ? Number.MAX_SAFE_INTEGER : parseCursor(query.cursor);
    const page = { experiment_id: namedExperiment(call).id, before, limit: query.limit + 1 };
    const found = query.number === undefined ? await experimentHistory(store, page) : await jobHistory(store, page, query.number);
    const events = found.slice(0, query.limit);
    return { events: events.map(eventShape), next_cursor: found.length > query.limit ? String(events.at(-1)!.id) : null };
  },
};

/** A browser that reconnects sends the header; a page that was loaded anew can only put it into the URL. */
function cursorOf(call: Call): string | null {
  const asked = parseQuery(call.request.url)['last_event_id'];
  return call.request.headers.get('last-event-id') ?? (typeof asked === 'string' ? asked : null);
}

function parseCursor(text: string): number {
  if (!/^\d{1,15}$/.test(text))
    throw new Refusal('invalid_input', 'The cursor is not one that this server gave. Begin again without one.', {
      fields: [{ path: 'cursor', message: 'It is not a cursor.' }],
    });
  return Number(text);
}
