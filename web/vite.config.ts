import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig } from "vitest/config";

const server = process.env.ANEW_SERVER ?? "http://127.0.0.1:5700";

export default defineConfig({
  base: "./", // the page may lie below any path
  plugins: [svelte()],
  build: {
    outDir: "../src/anew/server/bundle",
    emptyOutDir: true,
    target: "es2022",
    assetsInlineLimit: 0, // the policy lets nothing run that stands in the document
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 400,
  },
  server: { proxy: { "/api": { target: server, changeOrigin: true } } },
  test: { include: ["src/**/*.test.ts"], environment: "node", pool: "threads" },
});
