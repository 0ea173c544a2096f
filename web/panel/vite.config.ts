import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vitest/config';
import { catalogue, precompress } from './dev/plugins.js';
import { mockServer } from './dev/mock-plugin.js';

// The panel is served from the root of its own origin by `tsunagi serve`; web/embed_ui.go
// embeds dist/, with a .gz beside every file that is worth one.
export default defineConfig({
  plugins: [catalogue(), svelte(), precompress(), mockServer()],
  build: {
    target: 'es2022',
    outDir: 'dist',
    emptyOutDir: true,
    sourcemap: false,
    assetsInlineLimit: 0, // a data: URL would need a wider Content-Security-Policy
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 400, // kB; only the lazy MQTT.js chunk comes near
  },
  server: { host: '127.0.0.1', port: 5173, fs: { allow: ['..'] } },
  test: { include: ['**/*.test.ts'], exclude: ['node_modules', 'dist'], environment: 'node' },
});
