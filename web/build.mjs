// Builds dist/ from src/. The same sources and the same package-lock.json give the same bytes;
// dist/sources.sha256 holds the digests of both, so that a test without npm can tell a stale dist.
// With --tests: bundles test/*.test.ts into .tests/ for `node --test`; with --browser: test/browser/ into .tests/browser/.
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const root = dirname(fileURLToPath(import.meta.url));
process.chdir(root);

if (process.argv.includes("--tests")) {
  rmSync(".tests", { recursive: true, force: true });
  await build({
    entryPoints: readdirSync("test").filter((name) => name.endsWith(".test.ts")).map((name) => `test/${name}`),
    outdir: ".tests",
    outExtension: { ".js": ".mjs" },
    bundle: true,
    platform: "node",
    format: "esm",
    target: "node20",
    logLevel: "warning",
  });
} else if (process.argv.includes("--browser")) {
  await build({
    entryPoints: ["test/browser/main.ts"],
    outdir: ".tests/browser",
    outExtension: { ".js": ".mjs" },
    bundle: true,
    packages: "external",
    sourcemap: "inline",
    platform: "node",
    format: "esm",
    target: "node20",
    logLevel: "warning",
  });
} else {
  const uplot = JSON.parse(readFileSync("node_modules/uplot/package.json", "utf8"));
  const licence = readFileSync("node_modules/uplot/LICENSE", "utf8").replace(/\s+/g, " ").trim();
  const banner = `/*! emotiond dashboard, Apache-2.0. It holds uPlot ${uplot.version}: ${licence} */`;
  rmSync("dist", { recursive: true, force: true });
  mkdirSync("dist");
  await build({
    entryPoints: { app: "src/main.ts" },
    outdir: "dist",
    bundle: true,
    minify: true,
    sourcemap: false,
    legalComments: "none",
    charset: "utf8",
    format: "iife",
    target: ["es2022", "chrome108", "firefox108", "safari16"],
    banner: { js: banner },
    logLevel: "warning",
  });
  await build({
    entryPoints: { app: "src/style.css" },
    outdir: "dist",
    bundle: true,
    minify: true,
    sourcemap: false,
    legalComments: "none",
    charset: "utf8",
    target: ["chrome108", "firefox108", "safari16"],
    logLevel: "warning",
  });
  writeFileSync("dist/index.html", readFileSync("src/index.html"));

  const files = ["package-lock.json", "build.mjs", "tsconfig.json"];
  for (const entry of readdirSync("src", { recursive: true, withFileTypes: true })) {
    if (entry.isFile()) files.push(join(entry.parentPath ?? entry.path, entry.name).replaceAll("\\", "/"));
  }
  files.push("dist/app.js", "dist/app.css", "dist/index.html");
  files.sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
  const digest = (path) => createHash("sha256").update(readFileSync(path)).digest("hex");
  writeFileSync("dist/sources.sha256", files.map((path) => `${digest(path)}  ${path}\n`).join(""));

  for (const name of ["app.js", "app.css", "index.html"]) {
    console.log(`dist/${name} ${readFileSync(`dist/${name}`).length} bytes`);
  }
}
