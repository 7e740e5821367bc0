// Where and as what this process of the agent runs its jobs, for the record. Of the environment only what is named here is told: a researcher's
// environment is full of secrets, and nobody can know their names.
import { execFile } from 'node:child_process';
import { userInfo } from 'node:os';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';

import type { ExecutionPlaceShape } from '../contract/index.ts';
import { LIMITS } from '../core/limits.ts';
import type { AgentContext } from './context.ts';
import type { LaunchSettings } from './registry.ts';

/** They decide which programs, libraries and devices a job gets, or under which scheduler its agent stands. */
const TOLD_VARIABLES = [
  ...['PATH', 'LD_LIBRARY_PATH', 'LANG', 'LC_ALL', 'TZ', 'HOSTNAME'],
  ...['VIRTUAL_ENV', 'CONDA_PREFIX', 'CONDA_DEFAULT_ENV', 'PYTHONHOME', 'PYTHONHASHSEED'],
  ...['CUDA_VISIBLE_DEVICES', 'CUDA_HOME', 'NVIDIA_VISIBLE_DEVICES', 'HIP_VISIBLE_DEVICES', 'ROCR_VISIBLE_DEVICES'],
  ...['OMP_NUM_THREADS', 'MKL_NUM_THREADS', 'OPENBLAS_NUM_THREADS', 'JAX_PLATFORMS', 'CUBLAS_WORKSPACE_CONFIG'],
  ...['SLURM_JOB_ID', 'SLURM_ARRAY_JOB_ID', 'SLURM_ARRAY_TASK_ID', 'SLURM_JOB_NODELIST', 'SLURM_JOB_PARTITION', 'SLURM_CPUS_PER_TASK'],
  ...['PBS_JOBID', 'LSB_JOBID', 'JOB_ID', 'CONTAINER', 'SINGULARITY_NAME', 'APPTAINER_NAME', 'KUBERNETES_SERVICE_HOST'],
] as const;

const VERSION_PATIENCE_MS = 5_000;
const run = promisify(execFile);

export interface PlaceParts {
  readonly launch: Pick<LaunchSettings, 'server' | 'data' | 'cwd' | 'script' | 'interpreter' | 'driver'>;
  /** What jobs inherit. */
  readonly env: Readonly<Record<string, string>>;
  /** Directory that holds the `jd` package. */
  readonly library: string;
}

/** The place as it is known by now: the interpreter tells its version a moment later. */
export function executionPlace(context: Pick<AgentContext, 'version' | 'platform' | 'host'>, { launch, env, library }: PlaceParts): () => ExecutionPlaceShape {
  const inherited = Object.fromEntries(TOLD_VARIABLES.flatMap((name) => (env[name] === undefined ? [] : [[name, told(env[name])]])));
  let place: ExecutionPlaceShape = {
    host: told(context.host.name),
    user: userName(),
    working_directory: told(launch.cwd),
    script: launch.script === null ? null : told(launch.script),
    interpreter: launch.interpreter === null ? null : told(launch.interpreter),
    interpreter_version: null,
    driver: launch.driver === null ? null : told(launch.driver),
    agent_version: told(context.version),
    platform: told(context.platform),
    variables: {
      ...inherited,
      JD_SERVER: told(withoutPassword(launch.server)),
      JD_WORKER_WORKSPACE_ROOT: told(launch.data),
      PYTHONPATH: told(env['PYTHONPATH'] === undefined || env['PYTHONPATH'] === '' ? library : `${library}${delimiter}${env['PYTHONPATH']}`),
      PYTHONUNBUFFERED: '1',
    },
  };
  if (launch.interpreter !== null) {
    void readVersion(launch.interpreter, env).then((version) => {
      if (version !== null) place = { ...place, interpreter_version: version };
    });
  }
  return () => place;
}

/** No more than the record takes, and nothing that a text on the wire cannot hold. */
export function told(text: string): string {
  return text.replaceAll('\0', '\ufffd').slice(0, LIMITS.execution_value_characters.value);
}

/** The files of an attempt are named after a part of its token, which is nobody's business. */
export function ownDirectories(place: ExecutionPlaceShape, lease: { readonly experiment: string; readonly number: number; readonly attempt: number }) {
  const root = place.variables['JD_WORKER_WORKSPACE_ROOT'] ?? '';
  const { experiment, number, attempt } = lease;
  return { job: join(root, experiment, String(number)), attempt: join(root, experiment, '.drover', `${number}.${attempt}.*`) };
}

function userName(): string | null {
  try {
    return told(userInfo().username);
  } catch {
    // A uid without a name, as in many containers.
    return null;
  }
}

function withoutPassword(server: string): string {
  return server.replace(/^(\w+:\/\/)[^/@]*@/, '$1');
}

async function readVersion(interpreter: string, env: Readonly<Record<string, string>>): Promise<string | null> {
  try {
    const { stdout, stderr } = await run(interpreter, ['--version'], { env, timeout: VERSION_PATIENCE_MS });
    const [line] = (stdout.trim() || stderr.trim()).split('\n');
    return line === undefined || line === '' ? null : told(line.slice(0, 100));
  } catch {
    return null;
  }
}
