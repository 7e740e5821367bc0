// Filling the queue: as a form, as JSON, with a look at what would happen before anything is written.
import { expect } from 'vitest';

import { addressBecomes, browserTest, cardCount, reads, rows } from '../support/browser.ts';
import { createExperiment } from '../support/experiment.ts';
import { DESK, lookAt } from './look.ts';

browserTest('the form counts the product, shows the first combinations, and writes only after the review', async ({ server, admin, expects }) => {
  expects(/status of 4\d\d.*\/experiments\/tune\/jobs/);
  const experiment = await createExperiment(server, 'tune');
  const page = await admin('/experiments/tune/jobs');
  await page.keyboard.press('n');
  const dialog = page.getByRole('dialog', { name: 'Add jobs' });
  await dialog.getByLabel('Name of parameter 1').fill('learning_rate');
  await dialog.getByLabel('Values of parameter 1').fill('0.1, 0.01, 0.001');
  await dialog.getByLabel('Name of parameter 2').fill('optimizer');
  await dialog.getByLabel('Values of parameter 2').fill('adam, "sgd, plain"');
  await dialog.getByRole('button', { name: 'Add parameter' }).click();
  await dialog.getByLabel('Name of parameter 3').fill('nesterov');
  await dialog.getByLabel('Values of parameter 3').fill('true, false');
  const preview = dialog.locator('.dr-preview');
  await reads(preview, /12 jobs\s*= 3 × 2 × 2/);
  await reads(preview, /learning_rate=0.1 {2}optimizer=adam {2}nesterov=true/);
  await dialog.getByLabel('Name of parameter 3').fill('optimizer');
  await dialog.getByText('optimizer stands in two rows').waitFor();
  expect(await dialog.getByRole('button', { name: 'Review' }).isDisabled()).toBe(true);
  await dialog.getByRole('button', { name: 'Remove parameter 3' }).click();
  await reads(preview, /6 jobs\s*= 3 × 2/);
  await dialog.getByRole('button', { name: /^More:/ }).click();
  await dialog.getByLabel('Command').fill('echo {learning_rate} {optimiser}');
  await dialog.getByRole('button', { name: 'Review 6 jobs' }).click();
  await reads(dialog.getByRole('alert'), /optimiser/);
  await dialog.getByLabel('Command').fill('echo {learning_rate} {optimizer}');
  await dialog.getByLabel('Priority').fill('5');
  await dialog.getByRole('button', { name: 'Review 6 jobs' }).click();
  await reads(dialog.locator('.dr-diff'), '+ 6 jobs will be created');
  expect(await experiment.all()).toEqual([]);
  await dialog.getByRole('button', { name: 'Create 6 jobs' }).click();
  await reads(cardCount(page, 'Pending'), '6');
  await addressBecomes(page, { query: {} });
  expect(await experiment.job(3)).toMatchObject({
    params: { learning_rate: 0.01, optimizer: 'adam' },
    command: 'echo {learning_rate} {optimizer}',
    priority: 5,
  });
  expect((await experiment.job(2)).params).toEqual({ learning_rate: 0.1, optimizer: 'sgd, plain' });
});

browserTest('JSON is checked as one types: a name that stands twice is told with line and column', async ({ server, admin }) => {
  const experiment = await createExperiment(server, 'tune-2');
  const page = await admin('/experiments/tune-2/jobs?add=true');
  const dialog = page.getByRole('dialog', { name: 'Add jobs' });
  await dialog.getByText('JSON', { exact: true }).click();
  const editor = dialog.getByLabel('Jobs as JSON');
  await editor.fill('{\n  "lr": [0.1, 0.2],\n  "units": [8],\n  "lr": [0.3]\n}');
  await reads(dialog.locator('output').last(), /^Line 4, column 3: .*lr/);
  await editor.fill('{\n  "lr": [0.1, 0.2\n}');
  await reads(dialog.locator('output').last(), /^Line 3, column 1: /);
  expect(await dialog.getByRole('button', { name: 'Review' }).isDisabled()).toBe(true);
  await editor.fill('{"lr":[0.1,0.2],"units":[8,16,32]}');
  await dialog.getByRole('button', { name: 'Validate' }).click();
  await dialog.getByText('Valid: 6 jobs would be created.').waitFor();
  await dialog.getByRole('button', { name: 'Format' }).click();
  expect(await editor.inputValue()).toBe('{\n  "lr": [0.1, 0.2],\n  "units": [8, 16, 32]\n}');
  await dialog.getByText('Form', { exact: true }).click();
  expect(await dialog.getByLabel('Values of parameter 2').inputValue()).toBe('8, 16, 32');
  await dialog.getByText('JSON', { exact: true }).click();
  await editor.fill('[{"lr": 0.5}, {"lr": 0.25, "note": "one job each"}]');
  await dialog.getByRole('button', { name: 'Review 2 jobs' }).click();
  await dialog.getByRole('button', { name: 'Create 2 jobs' }).click();
  await reads(cardCount(page, 'Total'), '2');
  expect((await experiment.job(2)).params).toEqual({ lr: 0.25, note: 'one job each' });
});

browserTest('replacing deletes pending jobs only, after it has said how many', async ({ server, admin }) => {
  const experiment = await createExperiment(server, 'tune-3');
  await experiment.add({ command: 'true', params: { old: 1 }, times: 4 });
  await server.api.jobs.cancel({ params: { experiment: 'tune-3', number: 2 }, body: { force: false } });
  const page = await admin('/experiments/tune-3/jobs');
  await page.getByRole('button', { name: 'Add jobs' }).click();
  const dialog = page.getByRole('dialog', { name: 'Add jobs' });
  await dialog.getByLabel('Name of parameter 1').fill('new');
  await dialog.getByLabel('Values of parameter 1').fill('1, 2');
  await dialog.getByRole('button', { name: /^More:/ }).click();
  await dialog.getByLabel('Command').fill('true');
  await dialog.getByLabel('Replace existing jobs').check();
  await reads(dialog.getByRole('alert'), /All 3 pending jobs will be deleted first/);
  await dialog.getByRole('button', { name: 'Review 2 jobs' }).click();
  await reads(dialog.locator('.dr-diff'), /\+ 2 jobs will be created.*3 pending jobs will be deleted first/);
  await dialog.getByRole('button', { name: 'Back' }).click();
  await dialog.getByRole('button', { name: 'Review 2 jobs' }).click();
  await dialog.getByRole('button', { name: 'Replace 3 and create 2 jobs' }).click();
  await reads(cardCount(page, 'Pending'), '2');
  await reads(cardCount(page, 'Aborted'), '1');
  await reads(cardCount(page, 'Total'), '6');
  await page.reload();
  await reads(rows(page).first().locator('[data-column=params]'), 'new2');
  expect((await experiment.all()).map(({ number }) => number)).toEqual([2, 5, 6]);
});

browserTest(
  'a file becomes jobs: what is wrong is told by line and column, the rows are shown as they were understood, and dropped files open the dialog',
  async ({ server, admin }) => {
    const experiment = await createExperiment(server, 'tune-4');
    const page = await admin('/experiments/tune-4/jobs?add=true');
    const dialog = page.getByRole('dialog', { name: 'Add jobs' });
    await dialog.getByText('File', { exact: true }).click();
    expect(await lookAt(page, 'add-jobs-file-empty')).toEqual([]);
    await page.setViewportSize(DESK);
    const choose = (name: string, content: string): Promise<void> =>
      dialog.locator('input[type=file]').setInputFiles({ name, mimeType: 'text/csv', buffer: Buffer.from(content) });
    await choose('wrong.csv', 'lr,units\n0.1,8\n0.2,8,9\n"0.3');
    await reads(
      dialog.getByRole('alert'),
      /Line 3, column 7: This row has 3 cells, and the header names 2\..*Line 4, column 1: The quote that opens here is never closed/,
    );
    expect(await dialog.getByRole('button', { name: 'Review' }).isDisabled()).toBe(true);
    expect(await lookAt(page, 'add-jobs-file-wrong')).toEqual([]);
    await page.setViewportSize(DESK);
    await dialog.getByRole('button', { name: 'Take another file' }).click();
    await choose('sweep.csv', '\uFEFFlr,note,on,empty\r\n0.1,"one, two",true,\r\n0.2,007,false,x\r\n');
    const table = dialog.getByRole('table');
    await reads(table.getByRole('row').nth(1), '0.1one, twotrue–');
    await reads(dialog.locator('.dr-preview'), /^2 jobs.*lr=0.1 {2}note=one, two {2}on=true/);
    expect(await lookAt(page, 'add-jobs-file')).toEqual([]);
    await page.setViewportSize(DESK);
    await dialog.getByText('JSON', { exact: true }).click();
    expect(JSON.parse(await dialog.getByLabel('Jobs as JSON').inputValue())).toHaveLength(2);
    await dialog.getByText('File', { exact: true }).click();
    await dialog.getByRole('button', { name: 'Review 2 jobs' }).click();
    await reads(dialog.locator('.dr-diff'), '+ 2 jobs will be created');
    expect(await experiment.all()).toEqual([]);
    await dialog.getByRole('button', { name: 'Create 2 jobs' }).click();
    await reads(cardCount(page, 'Pending'), '2');
    expect((await experiment.job(1)).params).toEqual({ lr: 0.1, note: 'one, two', on: true });
    expect((await experiment.job(2)).params).toEqual({ lr: 0.2, note: '007', on: false, empty: 'x' });

    await dialog.waitFor({ state: 'hidden' });
    const held = await page.evaluateHandle(() => {
      const transfer = new DataTransfer();
      transfer.items.add(new File(['{"lr": [1, 2, 3]}'], 'grid.json'));
      return transfer;
    });
    await page.dispatchEvent('main', 'dragenter', { dataTransfer: held });
    await page.getByText('Drop the file to add jobs from it').waitFor();
    await page.dispatchEvent('main', 'drop', { dataTransfer: held });
    await reads(dialog.locator('.dr-preview'), /^3 jobs/);
    await dialog.getByRole('button', { name: 'Review 3 jobs' }).click();
    await dialog.getByRole('button', { name: 'Create 3 jobs' }).click();
    await reads(cardCount(page, 'Total'), '5');
  },
);
