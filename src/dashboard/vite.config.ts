// Builds the dashboard to dist/dashboard, which the server serves; `vite` alone serves it against a server on port 5000.
import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

export default defineConfig({
  root: import.meta.dirname,
  base: '/',
  plugins: [react()],
  build: {
    outDir: `${import.meta.dirname}/../../dist/dashboard`,
    emptyOutDir: true,
    assetsDir: 'assets',
    // The server's content policy allows images from data: but no fonts or scripts from there.
    assetsInlineLimit: 0,
    target: 'es2022',
    // The chart library is a lazy chunk of its own; it is loaded only where a chart is shown.
    chunkSizeWarningLimit: 900,
  },
  server: {
    host: '127.0.0.1',
    proxy: { '/api': { target: 'http://127.0.0.1:5000', changeOrigin: false } },
  },
});
