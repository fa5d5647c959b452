import { fileURLToPath } from 'node:url';
import { type BuildResult, buildSync } from 'esbuild';

/** The functions, each with the files that are programs of their own: the handler, and the threads that it starts. */
export const BUNDLES = {
  plan: { index: 'functions/plan/handler.ts' },
  poll: { index: 'functions/poll/handler.ts', worker: 'functions/poll/parse/worker.ts' },
  dispatch: { index: 'functions/dispatch/handler.ts' },
  admin: { index: 'functions/admin/handler.ts' },
  files: { index: 'functions/files/handler.ts', worker: 'functions/files/cut-worker.ts' },
  sweep: { index: 'functions/sweep/handler.ts' },
} as const;

/** The name of a function, as its log and its folder have it. */
export type FunctionName = keyof typeof BUNDLES;

const ROOT = fileURLToPath(new URL('..', import.meta.url));

/** Libraries that are not ES modules call `require` for modules of Node, which an ES module has not. */
const BANNER =
  'import { createRequire as $createRequire } from "node:module"; const require = $createRequire(import.meta.url);';

/** Writes a function's program files, `index.mjs` first of all, into a folder, everything they need inside. */
export function bundle(name: FunctionName, folder: string): BuildResult<{ metafile: true }> {
  return buildSync({
    absWorkingDir: ROOT,
    entryPoints: BUNDLES[name],
    outdir: folder,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    minify: true,
    platform: 'node',
    target: 'node24',
    format: 'esm',
    // What two programs share is there once, and what is loaded later (most ways to find credentials) is not read at the start.
    splitting: true,
    mainFields: ['module', 'main'],
    banner: { js: BANNER },
    legalComments: 'none',
    metafile: true,
    logLevel: 'warning',
  });
}
