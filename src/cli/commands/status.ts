// `drover status`: the server, and how far every experiment is.
import { addCommand, onRun, type AddCommand } from '../command.ts';
import { countCells, COUNT_COLUMNS } from '../count-table.ts';
import { relativeTime } from '../moments.ts';

export const addStatus: AddCommand = (program, dependencies) => {
  const command = addCommand(program, 'status', {
    summary: 'Show the server and the counts of every experiment',
    examples: ['status', 'status --json'],
  });
  onRun(command, dependencies, async ({ context }) => {
    const { client, url } = await context.connection();
    const status = await client.server.status({});
    const { server, experiments } = status;
    await context.output.show({
      json: status,
      ids: experiments.map(({ name }) => name),
      blocks: [
        {
          fields: [
            ['Server', `${url} (Drover ${server.version}, ${server.database})`],
            ['Started', relativeTime(server.started_at, Date.parse(server.now))],
          ],
        },
        experiments.length === 0
          ? { text: 'No experiment yet. Create one: drover experiment create my-tune' }
          : { table: { columns: [{ title: 'EXPERIMENT' }, ...COUNT_COLUMNS], rows: experiments.map(({ name, counts }) => [name, ...countCells(counts)]) } },
      ],
    });
  });
};
