// The example sweep: a small neural network that learns to read handwritten digits, trained once per combination.
import { accessSync, constants, existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';

import { shellQuote } from '../core/template.ts';
import { randomId } from '../runtime/ids.ts';
import type { ApiClient } from './connection.ts';
import { CliFailure, EXIT, isApiError } from './failure.ts';

export const DIGITS_EXPERIMENT = 'digits-tune';

/** As examples/digits/README.md describes it. Hidden units stay few, so that plain Python takes seconds. */
export const DIGITS_GRID = { learning_rate: [0.003, 0.03, 0.3], hidden_units: [8, 16, 32], dropout: [0, 0.2, 0.5] };

export interface ExamplePlace {
  readonly package_root: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Null: python3 on the path. */
  readonly python: string | null;
}

/** The command template of the example's jobs. Fails when the example cannot run here at all. */
export function digitsCommand(place: ExamplePlace): string {
  const script = join(place.package_root, 'examples', 'digits', 'train.py');
  if (!existsSync(script))
    throw new CliFailure(EXIT.unexpected, `The example is not part of this installation (${script} is missing). Start without it: drover up`);
  const python = place.python ?? 'python3';
  if (!isOnPath(python, place.env['PATH'] ?? '')) {
    throw new CliFailure(
      EXIT.unexpected,
      `The example needs ${python}, which is not on the PATH. Install Python 3, name another with DROVER_PYTHON, or start without the example: drover up`,
    );
  }
  const names = Object.keys(DIGITS_GRID);
  return [literal(python), literal(script), ...names.map((name) => `--${name} {${name}}`)].join(' ');
}

/** Creates experiment and sweep unless they exist; true when it did. */
export async function createDigits(client: ApiClient, command: string): Promise<boolean> {
  const params = { experiment: DIGITS_EXPERIMENT };
  const existing = await client.experiments
    .get({ params })
    .catch((error: unknown) => (isApiError(error) && error.code === 'experiment_not_found' ? null : Promise.reject(error as Error)));
  // An experiment without a single job is one whose creation was interrupted.
  if (existing !== null && existing.counts.created > 0) return false;
  if (existing === null) {
    const body = { name: DIGITS_EXPERIMENT, description: 'A small neural network on handwritten digits: learning rate, hidden units, dropout' };
    await client.experiments.create({ body }, { idempotency_key: randomId() });
  }
  await client.jobs.create({ params, body: { matrix: DIGITS_GRID, command } }, { idempotency_key: randomId() });
  return true;
}

/** One word of a template: quoted for the shell, its braces not taken for placeholders. */
function literal(text: string): string {
  return shellQuote(text).replaceAll('{', '{{').replaceAll('}', '}}');
}

function isOnPath(program: string, path: string): boolean {
  const places = program.includes('/') ? [program] : path.split(delimiter).map((directory) => join(directory, program));
  return places.some((place) => {
    try {
      accessSync(place, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}
