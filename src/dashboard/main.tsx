// Entry of the dashboard. The rest is loaded after zod was told to do without `eval`: a bundler may order modules of one chunk as it
// likes, but not across a dynamic import.
import './zod-without-eval.ts';

void import('./app.tsx');
