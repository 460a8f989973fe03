import { resolve } from 'node:path';
import { defineConfig } from 'vite';

// widget.js is one classic script with a stable name: other sites embed it by address.
export default defineConfig({
  publicDir: false,
  build: {
    outDir: 'dist',
    emptyOutDir: false,
    target: 'es2020',
    reportCompressedSize: false,
    lib: {
      entry: resolve(__dirname, 'src/widget/embed.ts'),
      formats: ['iife'],
      name: 'RapportWidget',
      fileName: () => 'widget.js',
    },
  },
});
