import { SendMessageBatchCommand, SQSClient } from '@aws-sdk/client-sqs';
import { ASSUMED } from './assumptions.ts';
import type { Meter, Spender } from './usage.ts';
import type { VirtualTime } from './virtual-time.ts';

/** One request is charged for each 64 KB of it. */
const CHUNK_BYTES = 65_536;

/** A message as a function gets it. */
export interface Message {
  readonly messageId: string;
  readonly body: string;
}

/** A queue with the function that takes from it. */
interface Source {
  readonly waiting: Message[];
  readonly batchSize: number;
  readonly concurrency: number;
  readonly spender: Spender;
  /** Resolves when the invocation has ended. */
  readonly invoke: (messages: readonly Message[]) => Promise<void>;
  running: number;
  isPickUpPlanned: boolean;
}

/** SQS with its event sources: as many invocations at once as are allowed, each with what waits when it begins. */
export class MemoryQueues {
  readonly #time: VirtualTime;
  readonly #meter: Meter;
  readonly #sources = new Map<string, Source>();
  #sent = 0;

  constructor(time: VirtualTime, meter: Meter) {
    this.#time = time;
    this.#meter = meter;
  }

  /** Lets a function take from a queue. */
  connect(url: string, source: Pick<Source, 'batchSize' | 'concurrency' | 'spender' | 'invoke'>): void {
    this.#sources.set(url, { ...source, waiting: [], running: 0, isPickUpPlanned: false });
  }

  /** Whether nothing waits and nothing runs. */
  get isIdle(): boolean {
    return [...this.#sources.values()].every(({ waiting, running }) => waiting.length + running === 0);
  }

  /** A client that sends on this spender's account. */
  client(spender: Spender): SQSClient {
    const client = new SQSClient({ region: 'memory' });
    const send = async (command: object): Promise<object> => {
      if (!(command instanceof SendMessageBatchCommand)) throw new TypeError('Only batches are sent here');
      await this.#time.sleep(ASSUMED.sqsMs);
      const { QueueUrl: url = '', Entries: entries = [] } = command.input;
      const bytes = entries.reduce((sum, { MessageBody: body = '' }) => sum + body.length, 0);
      this.#meter.add(spender, 'sqsRequests', Math.max(1, Math.ceil(bytes / CHUNK_BYTES)));
      this.#meter.add(spender, 'sqsGroupedMessages', entries.filter((one) => one.MessageGroupId).length);
      for (const { MessageBody: body = '', DelaySeconds: delaySeconds = 0 } of entries) {
        this.#time.at(this.#time.nowMs + delaySeconds * 1_000, () => this.#arrive(url, body));
      }
      return { Successful: entries.map(({ Id }) => ({ Id })) };
    };
    client.send = send as SQSClient['send'];
    return client;
  }

  #arrive(url: string, body: string): void {
    const source = this.#sources.get(url);
    if (source === undefined) throw new Error(`There is no queue "${url}"`);
    this.#sent += 1;
    source.waiting.push({ messageId: String(this.#sent), body });
    if (source.isPickUpPlanned) return;
    source.isPickUpPlanned = true;
    this.#time.at(this.#time.nowMs + ASSUMED.pickUpMs, () => {
      source.isPickUpPlanned = false;
      this.#pickUp(source);
    });
  }

  #pickUp(source: Source): void {
    while (source.waiting.length > 0 && source.running < source.concurrency) {
      const messages = source.waiting.splice(0, source.batchSize);
      source.running += 1;
      // One receive and one delete.
      this.#meter.add(source.spender, 'sqsRequests', 2);
      source.invoke(messages).then(
        () => {
          source.running -= 1;
          this.#pickUp(source);
        },
        // A handler never throws; a failure here is a fault of the simulation, and must end it.
        (error: unknown) => queueMicrotask(() => Promise.reject(error)),
      );
    }
  }
}
