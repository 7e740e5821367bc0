// Opens a link in the user's browser, by the opener of the system.
import type { CliDependencies } from './dependencies.ts';

/** False when there is no opener. */
export function openBrowser({ platform, launch }: Pick<CliDependencies, 'platform' | 'launch'>, url: string): Promise<boolean> {
  return launch(platform === 'darwin' ? 'open' : 'xdg-open', [url]);
}
