import { svelte } from "@sveltejs/vite-plugin-svelte";
import type { Plugin } from "vite";
import { defineConfig } from "vitest/config";

const server = process.env.ANEW_SERVER ?? "http://127.0.0.1:5700";

/** What the usual view is made of beside the page itself. */
const CHARTS = "charts";

/** Have the document name what its usual view is made of, so that a browser need not run the first script to learn of it. */
const usualView: Plugin = {
  name: "usual-view",
  transformIndexHtml: {
    order: "post",
    handler(_, { bundle }) {
      const parts = Object.values(bundle ?? {}).flatMap((one) => (one.type === "chunk" ? [one] : []));
      const charts = parts.find((one) => one.name === CHARTS);
      const entry = parts.find((one) => one.isEntry);
      if (!charts || !entry) throw new Error("the parts of the usual view are not there");
      const wanted = new Set([charts]);
      for (const one of wanted) for (const name of one.imports) for (const other of parts) if (other.fileName === name && other !== entry && !entry.imports.includes(name)) wanted.add(other);
      const styles = [...wanted].flatMap((one) => [...(one.viteMetadata?.importedCss ?? [])]);
      return [
        ...[...wanted].map((one) => ({ tag: "link", attrs: { rel: "modulepreload", crossorigin: true, href: `./${one.fileName}` }, injectTo: "head" as const })),
        ...styles.map((one) => ({ tag: "link", attrs: { rel: "stylesheet", crossorigin: true, href: `./${one}` }, injectTo: "head" as const })),
      ];
    },
  },
};

export default defineConfig({
  base: "./", // the page may lie below any path
  plugins: [svelte(), usualView],
  build: {
    outDir: "../src/anew/server/bundle",
    emptyOutDir: true,
    target: "es2022",
    assetsInlineLimit: 0, // the policy lets nothing run that stands in the document
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 400,
    rolldownOptions: {
      checks: { pluginTimings: false }, // on a busy machine it would be told at each build
      output: {
        // A request costs more than the bytes that a finer cut would save.
        codeSplitting: {
          groups: [
            { name: "page", tags: ["$initial"], priority: 2 },
            { name: CHARTS, test: /src[\\/]charts[\\/]Charts\.svelte/, priority: 1 },
          ],
        },
      },
    },
  },
  server: { proxy: { "/api": { target: server, changeOrigin: true } } },
  test: { include: ["src/**/*.test.ts"], environment: "node", pool: "threads", isolate: false },
});
