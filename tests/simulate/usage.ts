/** What AWS charges for, and the requests behind it. Seconds are those of a function's invocations. */
const QUANTITIES = [
  'dynamoRequests',
  'readUnits',
  'writeUnits',
  'sqsRequests',
  'sqsGroupedMessages',
  's3Puts',
  's3Gets',
  'kmsRequests',
  'invocations',
  'seconds',
  'gbSeconds',
  'logBytes',
] as const;

export type Quantity = (typeof QUANTITIES)[number];

/** How much was used of each. */
export type Usage = Readonly<Record<Quantity, number>>;

/** On whose account something is used. */
const SPENDERS = ['plan', 'poll', 'dispatch'] as const;

export type Spender = (typeof SPENDERS)[number];

export type UsageBySpender = Readonly<Record<Spender, Usage>>;

export const NO_USAGE: Usage = usageOf(() => 0);

function usageOf(quantity: (name: Quantity) => number): Usage {
  return Object.fromEntries(QUANTITIES.map((name) => [name, quantity(name)])) as Usage;
}

/** One usage less another, each so many times. */
export function difference(all: Usage, part: Usage, times = 1): Usage {
  return usageOf((name) => all[name] - times * part[name]);
}

/** The sum of two usages. */
export function sumOf(a: Usage, b: Usage): Usage {
  return usageOf((name) => a[name] + b[name]);
}

export function divided(usage: Usage, by: number): Usage {
  return usageOf((name) => usage[name] / by);
}

export function totalOf(usage: UsageBySpender): Usage {
  return usageOf((name) => SPENDERS.reduce((sum, spender) => sum + usage[spender][name], 0));
}

/** Counts what is used. */
export class Meter {
  readonly #counts = new Map<string, number>();

  add(spender: Spender, quantity: Quantity, amount: number): void {
    const key = `${spender} ${quantity}`;
    this.#counts.set(key, (this.#counts.get(key) ?? 0) + amount);
  }

  /** All that was used so far. */
  read(): UsageBySpender {
    const of = (spender: Spender) => usageOf((name) => this.#counts.get(`${spender} ${name}`) ?? 0);
    return { plan: of('plan'), poll: of('poll'), dispatch: of('dispatch') };
  }
}

/** What was used between two readings. */
export function between(before: UsageBySpender, after: UsageBySpender): UsageBySpender {
  return {
    plan: difference(after.plan, before.plan),
    poll: difference(after.poll, before.poll),
    dispatch: difference(after.dispatch, before.dispatch),
  };
}
