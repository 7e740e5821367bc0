// A look into the files of a job: trees, images, heat maps, and what is shown of what is too large or not what its name says.
import type { Page } from 'playwright-core';
import { expect } from 'vitest';

import { browserTest, counts, reads } from '../support/browser.ts';
import { createExperiment } from '../support/experiment.ts';
import { DESK, lookAt } from './look.ts';

const JOB = `
import json, os, struct, zlib, jd
def put(name, data):
    path = os.path.join(jd.jd_job_dir(), name)
    with open(path, "wb") as out:
        out.write(data if isinstance(data, bytes) else data.encode())
    jd.jd_upload(path)
chunk = lambda kind, data: struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
pixels = b"".join(b"\\0" + b"".join(bytes((x, y, 160)) for x in range(200)) for y in range(120))
put("curve.png", b"\\x89PNG\\r\\n\\x1a\\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 200, 120, 8, 2, 0, 0, 0)) + chunk(b"IDAT", zlib.compress(pixels)) + chunk(b"IEND", b""))
put("broken.png", "no image")
put("result.json", json.dumps({"accuracy": 0.9731, "best": True, "note": "<b>bold</b>", "seed": 12345678901234567890, "none": None,
    "model": {"layers": [{"units": 64, "dropout": 0.1}, {"units": 32, "dropout": 0.2}], "empty": {}}, "losses": [1 / (i + 1) for i in range(1500)]}))
put("config.yaml", "optimizer:\\n  name: adam\\n  lr: 0.001\\ndata: &data [train, test]\\nagain: *data\\n")
put("nan.json", '{"loss": NaN}')
put("large.json", "[" + ",".join(["1234567890"] * 500000) + "]")
put("confusion.csv", "actual,cat,dog,fox\\ncat,90,7,3\\ndog,12,80,8\\nfox,1,2,97\\n")
`;

const look = async (page: Page, name: string) => {
  await page.setViewportSize(DESK);
  await page.getByRole('button', { name: `Look into ${name}` }).click();
  const dialog = page.getByRole('dialog');
  await dialog.waitFor();
  return dialog;
};
const close = async (page: Page): Promise<void> => {
  await page.keyboard.press('Escape');
  await page.getByRole('dialog').waitFor({ state: 'hidden' });
};

browserTest('trees open and close, images and heat maps are drawn, and what cannot be shown says why', async ({ stage, server, admin }) => {
  const experiment = await createExperiment(server, 'left-behind');
  await experiment.add({ command: `python3 ${stage.file('files.py', JOB)}` });
  await stage.agent({ experiments: ['left-behind'], url: server.url, key: server.key });
  await experiment.reaches(1, 'done', { within: 30_000 });
  const page = await admin('/experiments/left-behind/jobs/1', DESK);
  const faults: string[] = [];

  let dialog = await look(page, 'result.json');
  await reads(dialog.locator('.dr-tree'), /accuracy0\.9731.*note"<b>bold<\/b>".*seed12345678901234567890.*layers2 items.*losses1,500 items/s);
  await counts(dialog.getByText('units'), 0);
  await dialog
    .getByRole('button', { name: /^0 ?2 entries/ })
    .first()
    .focus();
  await page.keyboard.press('Enter');
  await reads(dialog.locator('.dr-tree'), /units64.*dropout0\.1/s);
  await dialog.getByRole('button', { name: /^losses/ }).click();
  await dialog.getByRole('button', { name: 'Show 500 more of 1,500' }).click();
  await dialog.getByRole('button', { name: 'Show 500 more of 1,500' }).click();
  await dialog.getByRole('button', { name: 'Show 400 more of 1,500' }).click();
  await reads(dialog.locator('.dr-tree'), /14990\.000666/);
  await dialog.getByRole('button', { name: /^losses/ }).click();
  faults.push(...(await lookAt(page, 'file-json')));
  await page.setViewportSize(DESK);
  await dialog.getByText('Text', { exact: true }).click();
  await reads(dialog.locator('pre'), /^\{"accuracy": 0\.9731/);
  await close(page);

  dialog = await look(page, 'config.yaml');
  await reads(dialog.locator('.dr-tree'), /optimizer2 entries.*nameadam|optimizer2 entries.*name"adam".*lr0\.001.*again2 items/s);
  await close(page);

  dialog = await look(page, 'confusion.csv');
  await reads(dialog.getByRole('row').last(), /fox1297/);
  faults.push(...(await lookAt(page, 'file-heat-map')));
  await close(page);

  dialog = await look(page, 'curve.png');
  await expect.poll(() => dialog.getByRole('img', { name: 'curve.png' }).evaluate((image) => (image as HTMLImageElement).naturalWidth)).toBe(200);
  await close(page);
  dialog = await look(page, 'broken.png');
  await dialog.getByText('cannot be shown as an image').waitFor();
  await close(page);
  dialog = await look(page, 'nan.json');
  await dialog.getByText('This is not JSON').waitFor();
  await reads(dialog.locator('pre'), '{"loss": NaN}');
  await close(page);
  dialog = await look(page, 'large.json');
  await reads(dialog, /The first 524 kB of 5\.5 MB; too large for a tree/);
  await close(page);
  expect(faults).toEqual([]);
});

const TWICE = `
import os, jd
path = os.path.join(jd.jd_job_dir(), "train.log")
for version in range(3):
    lines = [f"epoch {n}: loss {1 / (n + 1):.4f}" for n in range(40)]
    if version > 0:
        lines[20] = "epoch 20: loss nan"
        lines.append("stopped early")
    with open(path, "w") as out:
        out.write("\\n".join(lines) + "\\n")
    jd.jd_upload(path)
`;

browserTest('two versions of a file: what differs line by line, or both beside each other', async ({ stage, server, admin }) => {
  const experiment = await createExperiment(server, 'versions');
  await experiment.add({ command: `python3 ${stage.file('twice.py', TWICE)}` });
  await stage.agent({ experiments: ['versions'], url: server.url, key: server.key });
  await experiment.reaches(1, 'done', { within: 30_000 });
  const page = await admin('/experiments/versions/jobs/1', DESK);
  const dialog = await look(page, 'train.log');
  await reads(dialog.locator('pre'), /epoch 20: loss nan/);
  await dialog.getByLabel('Compare with').selectOption('version 0');
  await reads(dialog.getByRole('status'), 'From version 0 to 2: 1 line removed, 2 lines added.');
  await reads(dialog.locator('[data-kind=removed]'), /^21−epoch 20: loss 0\.0476$/);
  await counts(dialog.locator('.dr-line-diff-hunk'), 2);
  const faults = await lookAt(page, 'file-versions');
  await page.setViewportSize(DESK);
  await dialog.getByText('Side by side').click();
  await reads(dialog.getByRole('region', { name: 'Version 0' }).locator('pre'), /epoch 20: loss 0\.0476/);
  await reads(dialog.getByRole('region', { name: 'Version 2' }).locator('pre'), /stopped early/);
  faults.push(...(await lookAt(page, 'file-versions-beside')));
  await page.setViewportSize(DESK);
  await dialog.getByText('Differences').click();
  await dialog.getByLabel('Compare with').selectOption('version 1');
  await reads(dialog.getByRole('status'), 'Versions 1 and 2 do not differ.');
  await dialog.getByLabel('Compare with').selectOption('nothing');
  await reads(dialog.locator('pre'), /stopped early/);
  await close(page);
  expect(faults).toEqual([]);
});
