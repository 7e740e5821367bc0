// What can be shown of a file, by its name. Images are the kinds that the server serves as images: none that could hold a program.
import type { ArtifactShape } from '../../contract/index.ts';

export type PreviewKind = 'text' | 'table' | 'json' | 'yaml' | 'image';

const KINDS: readonly (readonly [RegExp, PreviewKind])[] = [
  [/\.(csv|tsv)$/i, 'table'],
  [/\.(json|ipynb)$/i, 'json'],
  [/\.ya?ml$/i, 'yaml'],
  [/\.(png|jpe?g|gif|webp)$/i, 'image'],
  [/\.(txt|log|out|err|md|toml|ini|cfg|py|sh|jsonl|xml|html?|svg|tex|rst)$/i, 'text'],
];

export function previewKind(file: Pick<ArtifactShape, 'name'>): PreviewKind | null {
  return KINDS.find(([pattern]) => pattern.test(file.name))?.[1] ?? null;
}
