// Builds the dashboard to dist/dashboard, which the server serves; `vite` alone serves it against a server on port 5000.
import react from '@vitejs/plugin-react';
import { defineConfig, type HtmlTagDescriptor, type Plugin } from 'vite';

/** The frame of all pages is wanted by every page: a browser that reads index.html fetches it without running the entry first. */
function preloadFrame(): Plugin {
  return {
    name: 'preload-frame',
    transformIndexHtml: {
      order: 'post',
      handler(html, { bundle }) {
        const chunks = Object.values(bundle ?? {}).filter((each) => each.type === 'chunk');
        const frame = chunks.find(({ facadeModuleId }) => facadeModuleId?.endsWith('/app.tsx'));
        if (frame === undefined) throw new Error('There is no chunk of app.tsx any more.');
        const scripts = [frame.fileName, ...frame.imports].filter((name) => !html.includes(name));
        const styles = [...(frame.viteMetadata?.importedCss ?? [])];
        return [...styles.map((name) => link('stylesheet', name)), ...scripts.map((name) => link('modulepreload', name))];
      },
    },
  };
}

function link(rel: string, name: string): HtmlTagDescriptor {
  return { tag: 'link', attrs: { rel, crossorigin: true, href: `/${name}` }, injectTo: 'head' };
}

export default defineConfig({
  root: import.meta.dirname,
  base: '/',
  plugins: [react(), preloadFrame()],
  build: {
    outDir: `${import.meta.dirname}/../../dist/dashboard`,
    emptyOutDir: true,
    assetsDir: 'assets',
    // The server's content policy allows images from data: but no fonts or scripts from there.
    assetsInlineLimit: 0,
    target: 'es2022',
    // The chart library is a lazy chunk of its own; it is loaded only where a chart is shown.
    chunkSizeWarningLimit: 900,
    // A few files instead of fifty: each costs a request, and most of them are wanted by every page.
    rolldownOptions: {
      output: {
        codeSplitting: {
          groups: [
            { name: 'early', test: /dashboard\/early\.ts$/, priority: 4 },
            { name: 'zod', test: /node_modules\/zod\/.*\.m?js$/, priority: 3 },
            { name: 'base', test: /node_modules\/(?!echarts|zrender|tslib|ansi_up|@tanstack\/(react-virtual|virtual-core)).*\.m?js$/, priority: 2 },
            { name: 'parts', test: /src\/(core|contract|dashboard\/(components|live|frame|queries|theme)).*\.tsx?$/, minShareCount: 2, priority: 1 },
          ],
        },
      },
    },
  },
  server: {
    host: '127.0.0.1',
    proxy: { '/api': { target: 'http://127.0.0.1:5000', changeOrigin: false } },
  },
});
