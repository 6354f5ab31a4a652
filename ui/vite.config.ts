import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig } from "vitest/config";

import { mockServer } from "./dev/mock";

/** Where `louver serve` listens while the page is developed with `npm run dev`. */
const server = process.env["LOUVER_SERVER"] ?? "http://127.0.0.1:8470";

export default defineConfig(({ mode }) => ({
  plugins: [svelte(), ...(mode === "mock" ? [mockServer()] : [])],
  build: {
    target: "es2022",
    // The page is served under `default-src 'self'`: nothing may turn into a data: address.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  server: mode === "mock" ? {} : { proxy: { "/api": { target: server, ws: true } } },
  test: { include: ["src/**/*.test.ts"], environment: "node" },
}));
