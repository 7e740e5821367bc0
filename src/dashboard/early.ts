// What a page asks for first, asked for while its program is still on the way. It imports nothing, so that it runs at once; whoever asks
// for the same later is given the answer (api.ts). A test holds these addresses to those that the pages use.

const API = '/api/v1';
/** Later than this, a page is no longer being opened, and an answer would be old. */
const FRESH_MS = 10_000;

const JOB = /^\/experiments\/[^/]+\/jobs\/\d+$/;
/** As log/stream-log.ts reads first. */
const LOG_END = `from=${-160 * 1024}&length=${160 * 1024}`;
const STATUSES = ['pending', 'running', 'done', 'aborted'];

const asked = new Map<string, { readonly reply: Promise<Response>; readonly at: number }>();

/** What the page at this address will ask for. */
export function firstQuestions(pathname: string, search: string): string[] {
  const session = `${API}/session`;
  const [, experiment, rest = ''] = /^\/experiments\/([^/]+)\/(.+)$/.exec(pathname) ?? [];
  if (pathname === '/login') return [];
  if (experiment === undefined) return pathname === '/' ? [session, `${API}/experiments`] : [session];
  const base = `${API}/experiments/${experiment}`;
  const job = /^jobs\/(\d+)$/.exec(rest)?.[1];
  if (job !== undefined) return [session, `${base}/jobs/${job}`];
  return rest === 'jobs' ? [session, base, ...firstJobs(base, new URLSearchParams(search))] : [session, base];
}

/** The first page of the list, unless the address says more of it than is known here. */
function firstJobs(base: string, given: URLSearchParams): string[] {
  const known = ['status', 'columns', 'job'];
  if ([...given.keys()].some((name) => !known.includes(name))) return [];
  const status = given.get('status');
  // What no job can be the page drops.
  if (status !== null && !STATUSES.includes(status)) return [];
  const query = new URLSearchParams({ ...(status === null ? {} : { status }), sort: 'number', order: 'desc', limit: '50' });
  return [`${base}/jobs?${query.toString()}`];
}

/** The end of the newest output, which a job page without further wishes shows: of which attempt, the answer about the job says. */
export function secondQuestions(pathname: string, search: string, answer: unknown): string[] {
  if (!JOB.test(pathname) || search !== '') return [];
  const attempts = (answer as { attempts?: readonly { readonly attempt: number }[] } | null)?.attempts ?? [];
  const newest = attempts.reduce((highest, { attempt }) => Math.max(highest, attempt), 0);
  return newest === 0 ? [] : ['stdout', 'stderr'].map((stream) => `${API}${pathname}/log?attempt=${newest}&stream=${stream}&${LOG_END}`);
}

export function askEarly(place: Pick<Location, 'pathname' | 'search'>): void {
  for (const url of firstQuestions(place.pathname, place.search)) {
    const reply = ask(url);
    if (url === API + place.pathname) void askFurther(place, reply);
  }
}

async function askFurther({ pathname, search }: Pick<Location, 'pathname' | 'search'>, reply: Promise<Response>): Promise<void> {
  // Whoever takes the answer hears of a failure.
  const answer = await reply.then((one) => (one.ok ? (one.clone().json() as Promise<unknown>) : null)).catch(() => null);
  for (const url of secondQuestions(pathname, search, answer)) void ask(url);
}

function ask(url: string): Promise<Response> {
  const reply = fetch(url, { headers: { 'drover-csrf': '1' }, credentials: 'same-origin' });
  // Whoever takes it hears of it.
  reply.catch(() => undefined);
  asked.set(url, { reply, at: performance.now() });
  return reply;
}

/** The answer that was asked for early; once, and only while it is fresh. */
export function takeEarly(url: string): Promise<Response> | null {
  const early = asked.get(url);
  asked.delete(url);
  return early === undefined || performance.now() - early.at > FRESH_MS ? null : early.reply;
}

/** After a write, a login for instance, the answers of before are old. */
export function forgetEarly(): void {
  asked.clear();
}
