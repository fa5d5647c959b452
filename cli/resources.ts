import type { Api } from './api.ts';
import { isRecord } from './api.ts';

/** The parts of the API's resources that commands show; see its OpenAPI document. */
export interface AccountJson {
  readonly id: string;
  readonly name: string;
  readonly protocol: string;
  readonly host: string;
  readonly port: number;
  readonly username: string;
  readonly mailboxes: readonly string[];
  readonly intervalSeconds: number;
  readonly start: string;
  readonly state: string;
  readonly reason: string | null;
  readonly held: number;
  readonly lastPollAt: string | null;
  readonly lastSuccessAt: string | null;
  readonly lastError: { readonly code: string; readonly message: string; readonly at: string } | null;
}

/** One account alone. */
export interface AccountDetailJson extends AccountJson {
  readonly waiting: {
    readonly messages: number;
    readonly oldestAt: string | null;
    readonly reasons: readonly {
      readonly error: string;
      readonly messages: number;
      readonly nextTryAt: string;
    }[];
  };
}

/** A webhook; `secret` only in the answer to adding it or to a new secret. */
export interface WebhookJson {
  readonly id: string;
  readonly name: string;
  readonly url: string;
  readonly accounts: readonly string[] | null;
  readonly events: readonly string[];
  readonly headers: readonly string[];
  readonly state: string;
  readonly reason: string | null;
  readonly gate: { readonly reason: string; readonly until: string | null } | null;
  readonly pending: number;
  readonly lastSuccessAt: string | null;
  readonly secret?: string;
}

/** An attempt of a delivery. */
export interface AttemptJson {
  readonly at: string;
  readonly trigger: string;
  readonly status: number | null;
  readonly outcome: string;
  readonly error: string | null;
  readonly durationMs: number;
  readonly response: string | null;
}

/** A delivery with its latest attempts. */
export interface DeliveryJson {
  readonly id: string;
  readonly message: string;
  readonly webhook: string;
  readonly state: string;
  readonly attempts: readonly AttemptJson[];
  readonly nextAttemptAt: string | null;
}

/** A message as it stands in lists. */
export interface MessageJson {
  readonly id: string;
  readonly account: string;
  readonly from: string | null;
  readonly subject: string | null;
  readonly receivedAt: string;
  readonly size: number;
  readonly state: string;
  readonly deliveries: readonly {
    readonly id: string;
    readonly webhook: string;
    readonly state: string;
    readonly attempts: number;
    readonly nextAttemptAt: string | null;
  }[];
  readonly settlement: { readonly action: string; readonly state: string; readonly reason: string | null };
}

/** A message as it is shown alone. */
export interface MessageWithLinksJson extends MessageJson {
  readonly links: {
    readonly expireAt: string;
    readonly raw: string | null;
    readonly attachments: readonly {
      readonly id: string;
      readonly filename: string | null;
      readonly href: string | null;
    }[];
  } | null;
}

/** The counts of `status`. */
export interface StatusJson {
  readonly version: string;
  readonly accounts: Readonly<Record<string, number>>;
  readonly messages: {
    readonly pending: number;
    readonly oldestPendingSeconds: number | null;
    readonly waiting: number;
    readonly oldestWaitingSeconds: number | null;
  };
  readonly deliveries: Readonly<Record<string, number>>;
  readonly lastTickAt: string | null;
  readonly warnings: readonly { readonly code: string; readonly message: string }[];
}

/** The names of all accounts or webhooks by id, to show them where the API gives ids. */
export async function namesById(
  api: Api,
  path: '/v1/accounts' | '/v1/webhooks',
): Promise<Map<string, string>> {
  const { data } = await api.list(path);
  return new Map(data.map(({ id, name }) => [String(id), String(name)]));
}

/** The pairs of a resource for a table of fields, in the API's order. */
export function fieldsOf(resource: unknown): [string, unknown][] {
  return isRecord(resource) ? Object.entries(resource) : [];
}
