// The script library as its documents show it, run by `jd_worker_cli`: their example scripts unchanged, behind what they take for granted
// (a model, a data set, packages that are not ours).
import { existsSync, readFileSync, readdirSync } from 'node:fs';

import { expect, test } from 'vitest';

import { openStage, type Stage, type TestServer } from '../support/drover.ts';
import { eventually } from '../support/eventually.ts';
import { createExperiment } from '../support/experiment.ts';
import { openJd } from '../support/jd.ts';

/** What stands in for packages of others. */
const PACKAGES = {
  'torch.py': 'import pickle\ndef save(state, path):\n    with open(path, "wb") as file:\n        pickle.dump(state, file)\n',
  'filelock.py':
    'import fcntl\nclass FileLock:\n    def __init__(self, path): self.path = path\n    def __enter__(self):\n        self.file = open(self.path, "w")\n        fcntl.flock(self.file, fcntl.LOCK_EX)\n    def __exit__(self, *error): self.file.close()\n',
  'pandas.py': 'def read_csv(path):\n    with open(path) as file:\n        return file.read().split()\n',
};

const MODEL =
  'class Model:\n    def state_dict(self): return {"weights": [1, 2]}\n    def load_state_dict(self, state): self.loaded = state\nmodel = optimizer = Model()\n';

const JOB_DIRECTORY = `${MODEL}
from jd import jd_job_dir

job_dir = jd_job_dir()
job_dir.mkdir(parents=True, exist_ok=True)

# Write a result file
(job_dir / "result.json").write_text('{"accuracy": 0.97}')

# Write a model checkpoint
import torch
torch.save(model.state_dict(), job_dir / "model.pt")

from jd import jd_exp_dir, jd_worker_workspace
from pathlib import Path

workspace = jd_worker_workspace()
print(jd_exp_dir(), workspace, sep="|", flush=True)

import os

job_id  = int(os.environ["JD_JOB_ID"])
exp_id  = os.environ["JD_EXP_ID"]
print(f"Running job {job_id} for experiment '{exp_id}'")
names = ["JD_SERVER", "JD_WORKER_WORKSPACE_ROOT", "JD_WORKER_JOB_DIR", "JD_WORKER_ID", "JD_WORKER_TOKEN", "JD_MACHINE_TYPE", "JD_API_KEY"]
print("|".join(os.environ.get(name, "-") for name in names))
import jd
print(jd.__version__)
`;

const MINIMAL = `
import argparse, json
from jd import jd_job_dir

parser = argparse.ArgumentParser()
parser.add_argument("--lr", type=float)
parser.add_argument("--epochs", type=int)
args = parser.parse_args()

# ... train ...
accuracy = 0.95

job_dir = jd_job_dir()
job_dir.mkdir(parents=True, exist_ok=True)
(job_dir / "result.json").write_text(json.dumps({
    "lr": args.lr, "epochs": args.epochs, "accuracy": accuracy
}))
`;

const EPHEMERAL = `
from jd import jd_job_dir, jd_upload

job_dir = jd_job_dir()
job_dir.mkdir(parents=True, exist_ok=True)

for name in ["result.json", "model.pt"]:
    (job_dir / name).write_text("content of " + name)

# Upload all files in the job directory
for f in job_dir.iterdir():
    if f.is_file():
        jd_upload(f)

print(sorted(jd_upload(job_dir / "result.json").items()))
`;

const SHARED = `
import os
import pandas as pd
def download_dataset(path):
    with open(os.environ["DOWNLOADS"], "a") as log: log.write("downloaded\\n")
    path.write_text("1 2 3")

from jd import jd_exp_dir
import filelock

dataset_path = jd_exp_dir() / "data.csv"
lock_path    = jd_exp_dir() / "data.csv.lock"

# Thread-safe: only the first worker downloads; others wait and reuse
with filelock.FileLock(str(lock_path)):
    if not dataset_path.exists():
        download_dataset(dataset_path)

df = pd.read_csv(dataset_path)
print(df)
`;

const RESUMABLE = `${MODEL}
import os, time
class args: epochs = 10
def train_one_epoch(model, optimizer):
    print("epoch", epoch, "from", start_epoch, "loaded", getattr(model, "loaded", None), flush=True)
    # Goes on only so far until the gate is open.
    while epoch == 7 and not os.path.exists(os.environ["GATE"]):
        time.sleep(0.02)

from jd import jd_update_checkpoint, jd_get_last_checkpoint

# Resume if a checkpoint exists (returns None on first run)
ckpt        = jd_get_last_checkpoint()
start_epoch = ckpt["epoch"] + 1 if ckpt else 0
if ckpt:
    model.load_state_dict(ckpt["model"])

# Save a checkpoint every 5 epochs
for epoch in range(start_epoch, args.epochs):
    train_one_epoch(model, optimizer)
    if (epoch + 1) % 5 == 0:
        jd_update_checkpoint({"epoch": epoch, "model": model.state_dict()})
`;

async function open(lifetime: Parameters<typeof openStage>[0]) {
  const stage = openStage(lifetime);
  const server = await stage.server();
  const experiment = await createExperiment(server, 'digits-tune', { grace_seconds: 2 });
  for (const [name, text] of Object.entries(PACKAGES)) stage.file(`packages/${name}`, text);
  stage.env['PYTHONPATH'] = stage.path('packages');
  return { stage, server, experiment, launch: launcher(stage, server) };
}

/** Standalone, as the documents have it: the server by its host and its port. */
function launcher(stage: Stage, server: TestServer) {
  const jd = openJd(stage, null);
  const { hostname, port } = new URL(server.url);
  return (script: string, line = '', env: Record<string, string> = {}) => {
    stage.file('work/train.py', script);
    return jd.ok(`expId=digits-tune entry_script=train.py server=${hostname} port=${port}${line}`, { env });
  };
}

test('directories, variables and version', async (lifetime) => {
  const { stage, server, experiment, launch } = await open(lifetime);
  await experiment.add({});
  await launch(JOB_DIRECTORY, ' foreground=true once=true machine_type=gpu', { JD_MACHINE_TYPE: 'gpu', JD_API_KEY: server.key });
  const [printed, job] = [(await experiment.log(1)).toString().split('\n'), await experiment.job(1)];
  expect(job.status, (await experiment.log(1, 'stderr')).toString()).toBe('done');
  const data = stage.path('workspace/jd_data');
  expect(printed[0]).toBe(`${data}/digits-tune|${data}`);
  expect(printed[1]).toBe("Running job 1 for experiment 'digits-tune'");
  const [url, root, directory, worker, token, type, key] = printed[2]!.split('|');
  expect([url, root, directory, type, key]).toEqual([server.url, data, `${data}/digits-tune/1`, 'gpu', '-']);
  expect(worker).toMatch(/^[a-z0-9]+_[a-z]+_0$/);
  expect(token).toMatch(/^jdt_/);
  expect(printed[3]).toMatch(/^\d+\.\d+\.\d+$/);
  expect(JSON.parse(stage.read('workspace/jd_data/digits-tune/1/result.json'))).toEqual({ accuracy: 0.97 });
  expect(existsSync(stage.path('workspace/jd_data/digits-tune/1/model.pt'))).toBe(true);
});

test('pattern 1, a minimal script, and pattern 2, nodes that lose their disk', async (lifetime) => {
  const { stage, server, experiment, launch } = await open(lifetime);
  await experiment.add({ params: { lr: 0.01, epochs: 3 } });
  await launch(MINIMAL, ' foreground=true once=true');
  expect(JSON.parse(stage.read('workspace/jd_data/digits-tune/1/result.json'))).toEqual({ lr: 0.01, epochs: 3, accuracy: 0.95 });

  await experiment.add({});
  await launch(EPHEMERAL, ' foreground=true once=true');
  const params = { experiment: 'digits-tune', number: 2 };
  const { artifacts } = await server.api.results.artifacts({ params });
  expect(artifacts.map(({ name, version }) => `${name} ${version}`).toSorted()).toEqual(['model.pt 0', 'result.json 0', 'result.json 1']);
  expect((await experiment.log(2)).toString()).toBe("[('filename', 'result.json'), ('size_bytes', 22), ('success', True), ('version', 1)]\n");
});

test('pattern 3, one data set for all jobs of a machine', async (lifetime) => {
  const { stage, experiment, launch } = await open(lifetime);
  await experiment.add({ times: 6 });
  await launch(SHARED, ' num_workers=4', { DOWNLOADS: stage.path('downloads') });
  expect((await experiment.ends()).map(({ status }) => status)).toEqual(Array(6).fill('done'));
  expect(stage.read('downloads')).toBe('downloaded\n');
  expect((await experiment.log(6)).toString()).toBe("['1', '2', '3']\n");
});

test('pattern 4, training that goes on from its checkpoint on another machine', async (lifetime) => {
  const { stage, server, experiment, launch } = await open(lifetime);
  await experiment.add({});
  const env = { GATE: stage.path('gate') };
  await launch(RESUMABLE, '', env);
  await eventually(async () => expect((await experiment.log(1)).toString()).toContain('epoch 7'));
  await openJd(stage, server.url).ok('expId=digits-tune stop job=1');
  stage.file('gate', '');
  // Another registry and another disk: as on another machine.
  await launch(RESUMABLE, '', { ...env, JD_CACHE_PATH: stage.path('other/cache'), JD_WORKSPACE_PATH: stage.path('other/scratch') });
  await experiment.reaches(1, 'done');
  const attempts = await experiment.attempts(1);
  expect(new Set(attempts.map(({ outcome }) => outcome))).toEqual(new Set(['released', 'succeeded']));
  const second = (await experiment.log(1, 'stdout', 2)).toString().trimEnd().split('\n');
  expect(second).toEqual([5, 6, 7, 8, 9].map((epoch) => `epoch ${epoch} from 5 loaded {'weights': [1, 2]}`));
  expect(readFileSync(stage.path('other/scratch/jd_data/digits-tune/jd_worker_logs', logName(stage)), 'utf8')).toContain('OUT       epoch 9 from 5');
  const { artifacts } = await server.api.results.artifacts({ params: { experiment: 'digits-tune', number: 1 }, query: { kind: 'checkpoint' } });
  expect(artifacts.map(({ version }) => version)).toEqual([1, 0]);
});

function logName(stage: Stage): string {
  const registry = stage.path('other/cache/.cache/digits-tune');
  const [entry] = readdirSync(registry).filter((name) => name.endsWith('.json'));
  return `jd_worker_${entry!.replace('.json', '')}_0.log`;
}
