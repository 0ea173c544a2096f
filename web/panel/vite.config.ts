import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vitest/config';
import { budget, catalogue, licences, precompress } from './dev/plugins.js';
import { mockServer } from './dev/mock-plugin.js';

// Few files instead of one for each icon: the framework, what every page shares, and the component kit with the dialogs
// that need it, which are loaded when one opens.
const groups = [
  { name: 'svelte', test: /node_modules\/(svelte|esm-env|clsx)\//, priority: 3 },
  { name: 'base', test: /panel\/(base\/(?!DialogBox)|shell|account\/session)|@lucide|vite\/preload-helper/, priority: 2 },
  { name: 'kit', test: /bits-ui|@floating-ui|@internationalized|tabbable|svelte-toolbelt|runed|panel\/base\/DialogBox/, priority: 1 },
];

// The panel is served from the root of its own origin by `tsunagi serve`; web/embed_ui.go
// embeds dist/, with a .gz in place of every file that is worth one.
export default defineConfig({
  plugins: [catalogue(), svelte(), budget(), licences(), precompress(), mockServer()],
  json: { stringify: true, namedExports: false }, // texts are read faster as JSON than as a program
  build: {
    target: 'es2022',
    outDir: 'dist',
    emptyOutDir: true,
    sourcemap: false,
    assetsInlineLimit: 0, // a data: URL would need a wider Content-Security-Policy
    modulePreload: { polyfill: false },
    rolldownOptions: { output: { codeSplitting: { groups } } },
    chunkSizeWarningLimit: 400, // kB; only the lazy MQTT.js chunk comes near
  },
  server: { host: '127.0.0.1', port: 5173, fs: { allow: ['..'] } },
  test: { include: ['**/*.test.ts'], exclude: ['node_modules', 'dist'], environment: 'node' },
});
