// An agent without processes: it takes jobs, says at once that they succeeded, and asks for the next, as fast as the server answers.
// It says everything that a real agent says of an end. Bodies are put together as text, because the load shares the server's cores.
import { openConnection } from './http-connection.mjs';

const PLENTY = { cpus: 1_000, memory_bytes: 1e15, gpus: 100 };

/** With `wait_seconds` a sync hangs until there is something to say. */
export async function registerAgent(server, { experiment, slots, instance, wait_seconds = 0 }) {
  const body = { host: 'bench', instance, experiments: [experiment], workers: slots, total: PLENTY, version: '0.1.0', platform: 'bench' };
  const { secret } = await server.api.call('POST', '/agents', body);
  const connection = await openConnection(server.url, { authorization: `Bearer ${secret}` });
  const free_slots = JSON.stringify(Array.from({ length: slots }, (_, slot) => slot));
  const fixed = `"wait_seconds":${wait_seconds},"free":${JSON.stringify(PLENTY)},"has_script":false,"workers":[],"running":[]`;
  let sequence = 0;
  let leases = [];

  /** One sync: the ends of what the last reply brought, and a request for as many again. Resolves with the number of recorded ends. */
  async function sync({ claim = true, describe = succeeded } = {}) {
    const now = Date.now();
    sequence += 1;
    const finished = describe(leases, now).join(',');
    const text = `{"incarnation":"bench","sync_seq":${sequence},"sent_at":"${new Date(now).toISOString()}",${fixed},"free_slots":${claim ? free_slots : '[]'},"finished":[${finished}]}`;
    const { status, body: bytes } = await connection.request('POST', '/api/v1/agent/sync', text);
    if (status !== 200) throw new Error(`sync: ${status} ${bytes.toString().slice(0, 500)}`);
    const reply = JSON.parse(bytes.toString('latin1'));
    const recorded = reply.settled.length;
    if (recorded !== leases.length || reply.settled.some((end) => end.result !== 'recorded')) throw new Error('The server did not record every end as new.');
    leases = reply.leases;
    return recorded;
  }

  return {
    sync,
    holds: () => leases.length,
    /** Claims and ends jobs until `enough` says so; resolves with how many. Nothing stays claimed. */
    async work(enough) {
      let done = 0;
      await sync();
      while (leases.length > 0) {
        const last = enough(done + leases.length);
        done += await sync({ claim: !last });
      }
      return done;
    },
    close: () => connection.close(),
  };
}

/** Ends as a real agent tells them: of jobs that took a few milliseconds, each with moments of its own. */
function succeeded(leases, now) {
  return leases.map((lease, index) => {
    const duration = 3 + (index % 7);
    const finished = now - 1 - (index % 97);
    const times = `"started_at":"${new Date(finished - duration).toISOString()}","finished_at":"${new Date(finished).toISOString()}","duration_ms":${duration}`;
    return `{"job_id":${lease.job_id},"attempt":${lease.attempt},"rank":0,"token":"${lease.token}","outcome":"succeeded","exit_code":0,"signal":null,"message":null,${times}}`;
  });
}

/** Ends with all sorts of durations, one in ten a failure: for lists that are worth sorting. */
export function varied(leases, now) {
  return leases.map(({ job_id, attempt, token, number }) => {
    const duration_ms = 1 + ((number * 7919) % 600_000);
    const failed = number % 10 === 0;
    return JSON.stringify({
      ...{ job_id, attempt, rank: 0, token, outcome: failed ? 'failed' : 'succeeded', exit_code: failed ? 1 : 0, signal: null },
      message: failed ? 'The job ended with exit code 1.' : null,
      ...{ started_at: new Date(now - duration_ms).toISOString(), finished_at: new Date(now).toISOString(), duration_ms },
    });
  });
}
