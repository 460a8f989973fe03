import react from '@vitejs/plugin-react';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { defineConfig, type Plugin } from 'vite';

// Where `npm run dev` finds the API: a running Rapport.
const api = process.env.RAPPORT_URL ?? 'http://127.0.0.1:8080';
const proxy = { target: api, ws: true, changeOrigin: false };

export default defineConfig({
  plugins: [oneFrame(), react(), pagesOfTheServer()],
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

/** A page names its title and its script; everything around them is page.html. */
function oneFrame(): Plugin {
  const frame = readFileSync(resolve(__dirname, 'page.html'), 'utf8');
  return {
    name: 'one-frame',
    transformIndexHtml: {
      order: 'pre',
      handler(page) {
        const title = /<title>([^<]+)<\/title>/.exec(page)?.[1];
        const script = /src="([^"]+)"/.exec(page)?.[1];
        if (!title || !script) throw new Error(`a page without title or script: ${page}`);
        return frame.replace('%title%', title).replace('%script%', script);
      },
    },
  };
}

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
