import react from '@vitejs/plugin-react';
import { resolve } from 'node:path';
import { defineConfig } from 'vite';

// Where `npm run dev` finds the API: a running Rapport.
const api = process.env.RAPPORT_URL ?? 'http://127.0.0.1:8080';
const proxy = { target: api, ws: true, changeOrigin: false };

export default defineConfig({
  plugins: [react(), pagesOfTheServer()],
  appType: 'mpa',
  build: {
    outDir: 'dist',
    target: 'es2020',
    // Every asset is its own file: a Content-Security-Policy without data: stays possible.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    rollupOptions: {
      input: {
        start: resolve(__dirname, 'index.html'),
        console: resolve(__dirname, 'console/index.html'),
        chat: resolve(__dirname, 'chat/index.html'),
        reference: resolve(__dirname, 'reference.html'),
      },
      output: {
        manualChunks(id) {
          if (/node_modules\/(@codemirror|@lezer|codemirror|crelt|style-mod|w3c-keyname)/.test(id))
            return 'editor';
          if (
            /node_modules\/(react|react-dom|scheduler|react-router|react-router-dom|@remix-run)\//.test(
              id,
            )
          )
            return 'react';
          if (
            /node_modules\/(@mantine|@floating-ui|react-remove-scroll|react-textarea-autosize|@tanstack)/.test(
              id,
            )
          )
            return 'ui';
          return undefined;
        },
      },
    },
  },
  server: {
    proxy: { '/api': proxy, '/openapi.json': proxy, '/health': proxy },
  },
});

/** In development, the same rewrites that the server does for its single-page routes. */
function pagesOfTheServer() {
  return {
    name: 'pages-of-the-server',
    configureServer(server: import('vite').ViteDevServer) {
      server.middlewares.use((req, _res, next) => {
        const path = (req.url ?? '').split('?')[0] ?? '';
        if (path.startsWith('/console') && !path.includes('.')) req.url = '/console/index.html';
        else if (path.startsWith('/chat/') && !path.includes('.')) req.url = '/chat/index.html';
        next();
      });
    },
  };
}
