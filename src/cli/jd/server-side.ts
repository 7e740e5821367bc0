// `health` and `server-info`: what the server says.
import { explain } from '../context.ts';
import { CliFailure, endingOf, EXIT, isApiError } from '../failure.ts';
import { STATUS_COLOURS } from '../output.ts';
import type { Cell } from '../table.ts';
import { ADVICE, namedExperiment, settingsOf, type Call } from './call.ts';

export async function showCounts(call: Call): Promise<void> {
  const experiment = await namedExperiment(call);
  const { client, url } = await call.context.connection();
  const { counts } = await client.experiments.get({ params: { experiment } });
  // The names that the original has for them.
  const rows = [
    ['PENDING', counts.pending, 'pending'],
    ['SERVED', counts.running, 'running'],
    ['DONE', counts.done, 'done'],
    ['ABORTED', counts.aborted, 'aborted'],
    ['DELETED', counts.created - counts.total, ''],
  ] as const;
  await call.context.output.show({
    json: { server: url, experiment, counts: Object.fromEntries(rows.map(([name, count]) => [name, count])), total: counts.total },
    ids: rows.map(([name, count]) => `${name} ${count}`),
    blocks: [
      {
        fields: [
          ['Server', url],
          ['Experiment', experiment],
        ],
      },
      {
        table: {
          columns: [{ title: 'STATUS' }, { title: 'COUNT', align: 'right' }],
          rows: [
            ...rows.map(([name, count, status]): Cell[] => {
              const colour = STATUS_COLOURS[status];
              return [name, count > 0 && colour !== undefined ? { text: count.toLocaleString('en-US'), colour } : count.toLocaleString('en-US')];
            }),
            ['Total', counts.total.toLocaleString('en-US')],
          ],
        },
      },
    ],
  });
}

interface Finding {
  readonly what: string;
  readonly ok: boolean;
  readonly text: string;
  readonly exit: number;
}

export async function checkHealth({ context }: Call): Promise<void> {
  const { client, url } = await context.connection();
  const { experiment } = await settingsOf(context);
  const findings: Finding[] = [];
  const look = async (what: string, ask: () => Promise<string>): Promise<boolean> => {
    const finding = await ask().then(
      (text): Finding => ({ what, ok: true, text, exit: EXIT.ok }),
      async (error: unknown): Promise<Finding> => ({ what, ok: false, ...failure(await explain(error, context, ADVICE)) }),
    );
    findings.push(finding);
    return finding.ok;
  };
  const answers = await look(`Server (${url})`, async () => {
    try {
      return `Drover ${(await client.access.whoami({})).server.version}`;
    } catch (error) {
      if (isApiError(error) && (error.code === 'unauthenticated' || error.code === 'forbidden')) return 'answers';
      throw error;
    }
  });
  const opens = answers && (await look('API key', async () => describeActor((await client.access.whoami({})).actor)));
  if (opens && experiment !== null) {
    await look(`Experiment ${experiment}`, async () => {
      const { workers } = await client.experiments.get({ params: { experiment } });
      return `${workers.busy} busy and ${workers.idle} idle workers`;
    });
  }
  await context.output.show({
    json: { server: url, ok: findings.every(({ ok }) => ok), checks: findings.map(({ what, ok, text }) => ({ what, ok, text })) },
    ids: findings.map(({ what, ok }) => `${what}: ${ok ? 'OK' : 'FAIL'}`),
    blocks: [{ fields: findings.map(({ what, ok, text }) => [what, { text: `${ok ? 'OK' : 'FAIL'}, ${text}`, colour: ok ? 'green' : 'red' }] as const) }],
  });
  const bad = findings.find(({ ok }) => !ok);
  if (bad !== undefined) throw new CliFailure(bad.exit);
}

function failure(error: unknown): { text: string; exit: number } {
  const { message, exit_code } = endingOf(error);
  return { text: message, exit: exit_code };
}

function describeActor(actor: object): string {
  const { name, role, kind } = actor as { readonly name?: string; readonly role?: string; readonly kind?: string };
  return [name ?? kind ?? 'taken', role].filter((part) => part !== undefined && part !== '').join(', ');
}
