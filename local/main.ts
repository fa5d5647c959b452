import { randomBytes } from 'node:crypto';
import { removeUnfinishedAdds } from '../functions/admin/add-account.ts';
import { createAdminApp } from '../functions/admin/app.ts';
import packageJson from '../package.json' with { type: 'json' };
import { EmbeddedError } from '../shared/embedded/open.ts';
import { systemClock } from '../shared/ports/clock.ts';
import { type ApiServer, ApiServerError, startApiServer } from './api-server.ts';
import { ConfigError, type LocalConfig, readConfig } from './config.ts';
import { jsonLog, textLog } from './console-log.ts';
import { type Runtime, startRuntime } from './runtime.ts';
import { readOrCreateToken } from './token.ts';
import { toldToStop } from './told-to-stop.ts';

const { version } = packageJson;

/** The promise is ten seconds from SIGTERM to the end. */
const STOP_DEADLINE_MS = 9_500;

const write = (line: string) => void process.stdout.write(`${line}\n`);

/** Runs mailhook on this machine until it is told to stop. */
async function main(): Promise<void> {
  const config = readConfig(process.env, process.argv.slice(2));
  const log = (config.log === 'json' ? jsonLog : textLog)(write, systemClock.now);
  const told = toldToStop(process, systemClock.now);
  const publicUrl = Promise.withResolvers<string>();
  // Who waits for it hears of the failure; nobody may be waiting.
  publicUrl.promise.catch(() => undefined);
  const runtime = await startRuntime({
    folder: config.folder,
    egress: config.egress,
    links: { publicUrl: publicUrl.promise, days: config.linkDays },
    retentionDays: config.retentionDays,
    clock: systemClock,
    log,
  });
  let api: ApiServer;
  try {
    api = await serveApi(runtime, config, log);
    publicUrl.resolve(config.publicUrl ?? api.url);
  } catch (error) {
    publicUrl.reject(error);
    await runtime.close();
    throw error;
  }
  log.info('server.started', { version, url: api.url, data: config.folder, egress: config.egress });
  if (config.log === 'text') await greet(runtime, api, config);
  await told;
  log.info('server.stopping');
  // A kill loses nothing, and whoever told us to stop does not wait for ever.
  setTimeout(() => process.exit(0), STOP_DEADLINE_MS).unref();
  // What the API has still to write, it can write until its last answer.
  await Promise.all([api.close(), runtime.stop()]);
  await runtime.close();
}

async function serveApi(
  runtime: Runtime,
  config: LocalConfig,
  log: ReturnType<typeof textLog>,
): Promise<ApiServer> {
  const { store, blobs, vault } = runtime.embedded;
  await removeUnfinishedAdds(store);
  const app = createAdminApp({
    store,
    vault,
    blobs,
    linkDays: config.linkDays,
    egress: runtime.egress,
    operations: runtime.operations,
    clock: systemClock,
    random: randomBytes,
    log,
    version,
  });
  return await startApiServer({
    app,
    files: { answer: runtime.files, publicUrl: config.publicUrl },
    port: config.port,
    token: await readOrCreateToken(config.folder),
  });
}

/** Tells a person who has just started it what to do next. */
async function greet(runtime: Runtime, api: ApiServer, config: LocalConfig): Promise<void> {
  const first = { after: null, limit: 1 };
  const [accounts, webhooks] = await Promise.all([
    runtime.embedded.store.accounts(first),
    runtime.embedded.store.webhooks(first),
  ]);
  write(`mailhook ${version} is running: ${api.url} (data in ${config.folder}, Ctrl-C ends it)`);
  if (webhooks.data.length === 0) write('  next: npx mailhook webhooks add http://127.0.0.1:3000/mail');
  if (accounts.data.length === 0) {
    write('  next: npx mailhook accounts add NAME --host imap.example.com --username you@example.com');
  }
}

// A log that nobody reads any more, as behind `| head`, is no reason to leave mail lying.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
});

try {
  await main();
  process.exit(0);
} catch (error) {
  const expected = [ConfigError, EmbeddedError, ApiServerError].some((kind) => error instanceof kind);
  process.stderr.write(`${expected ? (error as Error).message : String((error as Error).stack ?? error)}\n`);
  process.exit(1);
}
