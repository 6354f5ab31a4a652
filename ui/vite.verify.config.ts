/** Builds `verify.html`: one file that works from a disk, with nothing beside it. */
import { createHash } from "node:crypto";

import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig, type Plugin } from "vite";

const sha256 = (text: string) => `'sha256-${createHash("sha256").update(text).digest("base64")}'`;

/** Puts script and style into the page, and a policy that allows these two and nothing else: no connection, no picture, no other script. */
function oneFile(): Plugin {
  return {
    name: "one-file",
    enforce: "post",
    generateBundle(_, bundle) {
      const page = bundle["verify.html"];
      if (page?.type !== "asset" || typeof page.source !== "string") throw new Error("there is no verify.html");
      let [script, style] = ["", ""];
      for (const [name, file] of Object.entries(bundle)) {
        if (file.type === "chunk") script += file.code;
        else if (name.endsWith(".css")) style += String(file.source);
        else continue;
        Reflect.deleteProperty(bundle, name);
      }
      // Within a script this would end it.
      script = script.replaceAll("</script", "<\\/script").replaceAll("<!--", "<\\!--");
      const policy = `default-src 'none'; script-src ${sha256(script)}; style-src ${sha256(style)}; img-src data:; base-uri 'none'; form-action 'none'`;
      const head = [
        `<meta http-equiv="Content-Security-Policy" content="${policy}" />`,
        `<style>${style}</style>`,
        `<script type="module">${script}</script>`,
      ];
      page.source = page.source
        .replace(/\s*<script type="module"[^>]*><\/script>/, "")
        .replace(/\s*<link rel="stylesheet"[^>]*>/, "")
        // As a function: a script may hold what `replace` takes for a pattern.
        .replace("</title>", () => `</title>\n    ${head.join("\n    ")}`);
    },
  };
}

export default defineConfig({
  plugins: [svelte(), oneFile()],
  publicDir: false,
  build: {
    target: "es2022",
    emptyOutDir: false,
    modulePreload: false,
    cssCodeSplit: false,
    rollupOptions: { input: "verify.html", output: { inlineDynamicImports: true } },
  },
});
