// Bundles the simulation: what is below src/ gets stand-ins for Node's disk, processes and randomness, and, when asked, with a guard switched off.
import { join, sep } from 'node:path';

import { rolldown } from 'rolldown';

import { ROOT } from '../step.mjs';

const SIMULATION = join(ROOT, 'test', 'simulation');
const SOURCES = join(ROOT, 'src') + sep;
const STAND_INS = {
  'node:fs': 'fs.ts',
  'node:fs/promises': 'fs-promises.ts',
  'node:crypto': 'crypto.ts',
  'node:child_process': 'child-process.ts',
};
const LIBSQL = '\0libsql';
/** libsql has its class under this name. */
const NAME = 'default';

const standIns = {
  name: 'stand-ins',
  resolveId(source, importer) {
    if (importer?.startsWith(SOURCES)) {
      if (source === 'libsql') return LIBSQL;
      if (source in STAND_INS) return join(SIMULATION, 'stand-ins', STAND_INS[source]);
    }
    return /^[./\0]/.test(source) ? null : { id: source, external: true };
  },
  load(id) {
    return id === LIBSQL ? `export { Database as ${NAME} } from ${JSON.stringify(join(SIMULATION, 'stand-ins', 'libsql.ts'))};` : null;
  },
};

/** Changes the text of some sources, each place exactly once: one that is no longer there is an error, not a guard that is never tried. */
function mutation({ name, edits }) {
  const left = new Set(edits);
  return {
    name: 'mutation',
    transform(code, id) {
      let changed = code;
      for (const edit of edits.filter(({ file }) => id === join(ROOT, file))) {
        if (changed.split(edit.find).length !== 2) throw new Error(`${name}: ${edit.file} does not have this text exactly once:\n${edit.find}`);
        changed = changed.replace(edit.find, () => edit.replace);
        left.delete(edit);
      }
      return changed === code ? null : { code: changed };
    },
    buildEnd() {
      for (const { file } of left) throw new Error(`${name}: ${file} is not part of the simulation`);
    },
  };
}

export async function bundleSimulation(file, mutant = null) {
  const bundle = await rolldown({
    input: join(SIMULATION, 'main.ts'),
    platform: 'node',
    plugins: [standIns, ...(mutant === null ? [] : [mutation(mutant)])],
  });
  await bundle.write({ file, format: 'esm', codeSplitting: false, sourcemap: mutant === null ? 'inline' : false });
  await bundle.close();
}
