import type { RuntimePorts } from '../../local/runtime.ts';
import type { Source } from '../../shared/identity.ts';
import type { BlobKind } from '../../shared/ports/blobs.ts';
import type { Fetched, MailLogin, MailSource, OpenMailSource } from '../../shared/ports/mail-source.ts';
import type { QueuedJob } from '../../shared/ports/queue.ts';
import type { Claim, NewEvent, Progress } from '../../shared/ports/store.ts';
import type { Trace } from './crash-trace.ts';

/** What of a call makes it another kind of step, and which events it is about. */
interface Described {
  readonly detail?: string;
  readonly ids?: readonly string[];
}

type Describe = Readonly<Record<string, (...args: never[]) => Described>>;

const STORE: Describe = {
  commit: (_fence: unknown, batch: readonly NewEvent[]) => ({ ids: batch.map(({ id }) => id) }),
  saveProgress: (_fence: unknown, { closed }: Progress) => ({
    detail: closed.length > 0 ? 'settled' : 'cursor',
  }),
  finish: (done: readonly { readonly claim: Claim }[]) => ({
    ids: done.map(({ claim }) => claim.ref.eventId),
  }),
};

const BLOBS: Describe = { put: (kind: BlobKind) => ({ detail: kind }) };

const QUEUE: Describe = {
  enqueue: (jobs: readonly QueuedJob[], { delayMs }: { delayMs?: number } = {}) => ({
    detail: delayMs !== undefined ? 'retry' : (jobs[0]?.job.kind ?? 'nothing'),
  }),
};

const POST: Describe = {
  post: ({ headers }: { headers: readonly string[] }) => ({
    ids: headers.slice(headers.indexOf('webhook-id') + 1).slice(0, 1),
  }),
};

/**
 * The ports with a trace around every call of every method, whatever methods they have. The mail at `unreadable` is one that
 * the server does not hand out.
 */
export function tracedPorts(trace: Trace, ports: RuntimePorts, unreadable: Source | null): RuntimePorts {
  return {
    store: traced(trace, 'store', ports.store, STORE),
    blobs: traced(trace, 'blobs', ports.blobs, BLOBS),
    vault: traced(trace, 'vault', ports.vault),
    queue: traced(trace, 'queue', ports.queue, QUEUE),
    links: ports.links,
    post: traced(trace, 'post', ports.post, POST),
    budget: ports.budget,
    parse: (jobs) => trace.around('parse', [], () => ports.parse(jobs)),
    openSource: tracedSource(trace, withUnreadable(ports.openSource, unreadable)),
  };
}

function withUnreadable(open: OpenMailSource, unreadable: Source | null): OpenMailSource {
  if (unreadable === null) return open;
  const place = JSON.stringify(unreadable);
  return async (login, signal) => {
    const source = await open(login, signal);
    return {
      ...source,
      async *fetch(items, limits): AsyncIterable<Fetched> {
        for await (const fetched of source.fetch(items, limits)) {
          const { item } = fetched;
          const isUnreadable = JSON.stringify(item.source) === place;
          yield isUnreadable ? { kind: 'failed', item, error: 'The server said NO' } : fetched;
        }
      },
    };
  };
}

function tracedSource(trace: Trace, open: OpenMailSource): OpenMailSource {
  return async (login: MailLogin, signal: AbortSignal) => {
    const source = await trace.around(`openSource ${login.protocol}`, [], () => open(login, signal));
    let settles = false;
    const describe: Describe = {
      settle: () => {
        settles = true;
        return {};
      },
      close: () => (settles ? { detail: 'settling' } : {}),
    };
    return traced<MailSource>(trace, 'source', source, describe);
  };
}

const STREAMS = new Set(['source.fetch', 'source.heads', 'store.dueAccounts']);

function traced<Port extends object>(trace: Trace, name: string, port: Port, describe: Describe = {}): Port {
  return new Proxy(port, {
    get(target, key) {
      const method: unknown = Reflect.get(target, key);
      if (typeof method !== 'function') return method;
      return (...args: unknown[]) => {
        const call = () => Reflect.apply(method, target, args);
        const { detail, ids = [] } = describe[String(key)]?.(...(args as never[])) ?? {};
        const step = `${name}.${String(key)}${detail === undefined ? '' : ` ${detail}`}`;
        return STREAMS.has(step) ? trace.each(step, call) : trace.around(step, ids, call);
      };
    },
  });
}
