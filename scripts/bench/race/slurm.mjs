// Slurm on loopback with one node of two processors, tuned to start jobs at once: its own munge socket and key, daemons in the foreground,
// state in the temporary directory.
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmodSync, chownSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';

import { firstLine } from '../machine.mjs';
import { waitFor } from '../stage.mjs';
import { freePort } from './free-port.mjs';

const SLOTS = 2;
const PROGRAMS = ['munged', 'slurmctld', 'slurmd', 'sbatch', 'srun', 'salloc'];

export const slurmVersion = () => firstLine('slurmctld', ['-V']);

/** `{ missing }` says what to do where it cannot run. */
export async function startSlurm(stage) {
  const absent = PROGRAMS.filter((name) => firstLine('sh', ['-c', `command -v ${name}`]) === null);
  if (absent.length > 0) return { missing: `${absent.join(', ')} not installed. On Debian: apt-get install slurm-wlm munge` };
  if (process.getuid?.() !== 0) return { missing: 'Slurm starts as root only' };
  const directory = stage.path('slurm');
  for (const path of ['', '/state', '/spool', '/log']) mkdirSync(`${directory}${path}`, { mode: 0o755 });
  chmodSync(stage.root, 0o711);
  const munge = startMunge(stage);
  const configuration = `${directory}/slurm.conf`;
  writeFileSync(configuration, settings({ directory, socket: munge.socket, controller: await freePort(), node: await freePort() }));
  const env = { SLURM_CONF: configuration };
  const ask = (program, args) => execFileSync(program, args, { env: { ...process.env, ...env }, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  await waitFor(munge.program, () => succeeds(() => ask('munge', ['-n', '-S', munge.socket])));
  const controller = stage.start('slurmctld', ['-D', '-c'], { env, label: 'slurmctld' });
  const node = stage.start('slurmd', ['-D'], { env, label: 'slurmd' });
  await waitFor(
    controller,
    () => succeeds(() => ask('sinfo', ['-h', '-t', 'idle', '-o', '%N'])) && ask('sinfo', ['-h', '-t', 'idle', '-o', '%N']).trim() !== '',
  );
  return {
    env,
    /** Jobs that ended, by Slurm's own list of them: `sbatch --wait` would look only every few seconds. */
    ended: () => (existsSync(`${directory}/log/completed`) ? readFileSync(`${directory}/log/completed`, 'utf8').split('\n').length - 1 : 0),
    async stop() {
      await node.stop();
      await controller.stop();
      await munge.program.stop();
    },
  };
}

/** munged insists that nobody else can write where its key and its socket are. */
function startMunge(stage) {
  const directory = stage.path('munge');
  mkdirSync(directory, { mode: 0o755 });
  const key = `${directory}/key`;
  writeFileSync(key, randomBytes(128), { mode: 0o400 });
  const as = { uid: Number(firstLine('id', ['-u', 'munge'])), gid: Number(firstLine('id', ['-g', 'munge'])) };
  for (const path of [directory, key]) chownSync(path, as.uid, as.gid);
  const socket = `${directory}/socket`;
  const files = [`--socket=${socket}`, `--key-file=${key}`, `--pid-file=${directory}/pid`, `--log-file=${directory}/log`, `--seed-file=${directory}/seed`];
  return { socket, program: stage.start('munged', ['--foreground', '--force', ...files], { label: 'munged', as }) };
}

function settings({ directory, socket, controller, node }) {
  const host = hostname().split('.')[0];
  return [
    ...['ClusterName=race', `SlurmctldHost=${host}(127.0.0.1)`, `SlurmctldPort=${controller}`, `SlurmdPort=${node}`, 'SlurmUser=root'],
    ...['AuthType=auth/munge', 'CredType=cred/munge', `AuthInfo=socket=${socket}`, 'ProctrackType=proctrack/linuxproc', 'TaskPlugin=task/none'],
    ...['JobAcctGatherType=jobacct_gather/none', 'SelectType=select/cons_tres', 'SelectTypeParameters=CR_Core_Memory', 'DefMemPerCPU=100'],
    ...['SchedulerType=sched/backfill', 'SchedulerParameters=batch_sched_delay=0,sched_interval=1,sched_min_interval=0'],
    ...['AccountingStorageType=accounting_storage/none', 'JobCompType=jobcomp/filetxt', `JobCompLoc=${directory}/log/completed`, 'MpiDefault=none'],
    ...['ReturnToService=2', `StateSaveLocation=${directory}/state`, `SlurmdSpoolDir=${directory}/spool`, 'KillWait=5', 'MaxArraySize=10001'],
    ...[`SlurmctldPidFile=${directory}/slurmctld.pid`, `SlurmdPidFile=${directory}/slurmd.pid`],
    ...[`SlurmctldLogFile=${directory}/log/slurmctld`, `SlurmdLogFile=${directory}/log/slurmd`],
    `NodeName=${host} NodeAddr=127.0.0.1 CPUs=${SLOTS} RealMemory=1000 State=UNKNOWN`,
    'PartitionName=race Nodes=ALL Default=YES MaxTime=INFINITE State=UP',
    '',
  ].join('\n');
}

function succeeds(work) {
  try {
    work();
    return true;
  } catch {
    return false;
  }
}
