// Entry of the dashboard: asks for everything that the page needs at once, its data, the frame and the page itself, instead of one after
// the other. All of it is loaded after zod was told to do without `eval`: a bundler may order modules of one chunk as it likes, but not
// across a dynamic import.
import { askEarly } from './early.ts';
import { loadPage } from './pages.ts';

askEarly(window.location);
void start();

async function start(): Promise<void> {
  await import('./zod-without-eval.ts');
  await Promise.all([import('./app.tsx'), loadPage(window.location.pathname)]);
}
