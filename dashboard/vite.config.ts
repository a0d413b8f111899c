import react from '@vitejs/plugin-react';
import { defineConfig } from 'vitest/config';

const ingest = process.env.FLUXION_URL ?? 'http://127.0.0.1:8080';

export default defineConfig({
  plugins: [react()],
  build: {
    target: 'es2022',
    // The content security policy allows no `data:` fonts, and a phone caches files better than inlined ones.
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 900,
  },
  server: {
    host: '127.0.0.1',
    proxy: { '/v1': { target: ingest, changeOrigin: true } },
  },
  test: {
    css: false,
    // A loaded machine is slow, and that is no failure.
    testTimeout: 60_000,
    // Only pages need a document; all else runs without one, which is faster.
    projects: [
      { extends: true, test: { name: 'logic', environment: 'node', include: ['src/**/*.test.ts'] } },
      {
        extends: true,
        test: {
          name: 'pages',
          environment: 'happy-dom',
          setupFiles: ['src/test-setup.ts'],
          include: ['src/**/*.test.tsx'],
        },
      },
    ],
  },
});
