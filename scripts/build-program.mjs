// Bundles server and command lines into dist/main.js, dist/jd-worker-cli.js, dist/j-cli.js and the chunks that they load when they are needed: a program of a few files starts twice as
// fast as one of a thousand. What brings native code or files of its own stays a package.
import { rmSync } from 'node:fs';
import { join } from 'node:path';

import { rolldown } from 'rolldown';

import { ROOT } from './step.mjs';

const PACKAGES = [/^node:/, 'libsql', 'pg', 'pg-native', 'swagger-ui-dist'];

const warnings = [];
const bundle = await rolldown({
  // The worker is started by its file, which lies beside the chunk that starts it.
  input: {
    main: join(ROOT, 'src/main.ts'),
    'jd-worker-cli': join(ROOT, 'src/jd-worker-cli.ts'),
    'j-cli': join(ROOT, 'src/j-cli.ts'),
    job: join(ROOT, 'src/job/job.ts'),
    'chunks/read-worker': join(ROOT, 'src/store/read-worker.ts'),
  },
  platform: 'node',
  external: PACKAGES,
  onLog: (_level, log) => void warnings.push(log.message),
});
rmSync(join(ROOT, 'dist/chunks'), { recursive: true, force: true });
await bundle.write({ dir: join(ROOT, 'dist'), format: 'esm', entryFileNames: '[name].js', chunkFileNames: 'chunks/[name].js', comments: { legal: true } });
await bundle.close();
if (warnings.length > 0) throw new Error(`Server and CLI were bundled with warnings:\n${warnings.join('\n')}`);
