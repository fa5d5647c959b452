import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BUNDLES, bundle, type FunctionName } from '../../infra/bundle.ts';
import { SYNTH_TIMEOUT_MS, templateWith } from './synth.ts';

const NAMES = Object.keys(BUNDLES) as FunctionName[];
const MEGABYTE = 1_000_000;
/** Lambda's runtime has it; a function that streams asks for it when it is loaded. */
const STREAMING = new URL('../support/ministack/lambda-stream.mjs', import.meta.url).href;

let folder: string;
let environments: Map<string, Record<string, string>>;
const inputs = new Map<FunctionName, string[]>();

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'mailhook-bundles-'));
  for (const name of NAMES) {
    const { metafile } = bundle(name, join(folder, name));
    inputs.set(name, Object.keys(metafile.inputs));
  }
  environments = readEnvironments();
}, SYNTH_TIMEOUT_MS);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** What the stack sets for each function, with a text in place of what is known only once it is deployed. */
function readEnvironments(): Map<string, Record<string, string>> {
  const functions = Object.values(templateWith().findResources('AWS::Lambda::Function'));
  return new Map(
    functions.map(({ Properties }) => {
      const variables = Object.entries(Properties.Environment.Variables as Record<string, unknown>);
      const texts = variables.map(([name, value]) => [
        name,
        typeof value === 'string' ? value : name.endsWith('_URL') ? 'https://deployed.example/' : 'deployed',
      ]);
      return [String(Properties.FunctionName).replace('mailhook-', ''), Object.fromEntries(texts)];
    }),
  );
}

function sizeOf(name: FunctionName): number {
  const files = readdirSync(join(folder, name));
  return files.reduce((sum, file) => sum + statSync(join(folder, name, file)).size, 0);
}

/** Runs a program in a process of its own, as Lambda does, and resolves to what it printed and its exit code. */
async function run(program: string, env: Record<string, string>): Promise<{ code: number; output: string }> {
  const args = ['--input-type=module', '--import', STREAMING, '--eval', program];
  const child = spawn(process.execPath, args, { env: { AWS_REGION: 'eu-central-1', ...env } });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += String(chunk)));
  const [code] = (await once(child, 'close')) as [number];
  return { code, output };
}

const load = (name: FunctionName) =>
  `const { handler } = await import(${JSON.stringify(pathToFileURL(join(folder, name, 'index.mjs')).href)});
   console.log(typeof handler); process.exit(0);`;

describe.each(NAMES)('the bundle of %s', (name) => {
  it('loads with the environment that the stack sets, and has a handler', async () => {
    const environment = environments.get(name);
    expect(await run(load(name), environment ?? {})).toEqual({ code: 0, output: 'function\n' });
  });

  it('does not start without one of its settings, and names it', async () => {
    const { MAILHOOK_TABLE: _, ...rest } = environments.get(name) ?? {};
    const { code, output } = await run(load(name), rest);
    expect(code).not.toBe(0);
    expect(output).toContain('Cannot start without MAILHOOK_TABLE: it must be set');
  });
});

describe('the bundles', () => {
  it('are within their budgets: dispatch 1 MB, poll 2.5 MB', () => {
    expect(sizeOf('dispatch')).toBeLessThan(MEGABYTE);
    expect(sizeOf('poll')).toBeLessThan(2.5 * MEGABYTE);
    expect(sizeOf('plan')).toBeLessThan(MEGABYTE);
  });

  it.each(['dispatch', 'plan', 'admin', 'sweep'] as const)('%s has no mail library inside', (name) => {
    const mail = /node_modules\/(imapflow|node-pop3|mailparser|libmime|nodemailer|iconv-lite)\//;
    expect(inputs.get(name)?.filter((file) => mail.test(file))).toEqual([]);
  });

  it('only admin has the schemas and the router', () => {
    const heavy = /node_modules\/(zod|hono)\//;
    const having = NAMES.filter((name) => inputs.get(name)?.some((file) => heavy.test(file)));
    expect(having).toEqual(['admin']);
  });

  it.each(['poll', 'files'])('the parser thread of %s starts from its own file', async (name) => {
    const worker = pathToFileURL(join(folder, name, 'worker.mjs')).href;
    const program = `import { Worker } from 'node:worker_threads';
      const worker = new Worker(new URL(${JSON.stringify(worker)}), { execArgv: [] });
      worker.once('message', (message) => { console.log(message.kind); process.exit(0); });`;
    expect(await run(program, {})).toEqual({ code: 0, output: 'ready\n' });
  });
});
