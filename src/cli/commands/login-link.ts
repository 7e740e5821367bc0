// `drover login-link`: a link that opens the dashboard once, with the rights of the key that made it.
import { openBrowser } from '../browser.ts';
import { addCommand, onRun, type AddCommand } from '../command.ts';
import { relativeTime } from '../moments.ts';

export const addLoginLink: AddCommand = (program, dependencies) => {
  const command = addCommand(program, 'login-link', {
    summary: 'Make a link that opens the dashboard once',
    examples: ['login-link', 'login-link --open'],
  }).option('--open', 'open it in the browser');
  onRun<{ open?: true }>(command, dependencies, async ({ context, options }) => {
    const { client, url } = await context.connection();
    const { path, expires_at } = await client.access.createLoginLink({});
    const link = url + path;
    context.output.note(`It works once and expires ${relativeTime(expires_at, context.dependencies.clock.now())}.`);
    await context.output.show({ json: { url: link, expires_at }, ids: [link], blocks: [{ text: link }] });
    if (options.open === true && !(await openBrowser(dependencies, link))) context.output.note('No browser could be opened here; open the link by hand.');
  });
};
