/** The moments of a step at which the process can be ended. `during`: some of it is done, and nothing of it is known. */
export type Moment = 'before' | 'during' | 'after';

/** Ends the process at one moment of the n-th time that it comes to a step. */
export interface KillPoint {
  readonly step: string;
  readonly moment: Moment;
  /** 1 for the first. */
  readonly nth: number;
}

interface StepInfo {
  /** What only reads changes nothing, so that being killed after it is being killed before the next step. */
  readonly kind: 'read' | 'write';
  /** Where the step occurs. @default both */
  readonly only?: 'imap' | 'pop3';
  /** Moments in the middle of it. @default false */
  readonly during?: boolean;
  /** Which times it is ended at. @default [1] */
  readonly nths?: readonly number[];
}

/**
 * Every step that a poll with its deliveries and settlements takes, the first of each kind. A step that occurs and is not
 * here, or is here and does not occur, fails the tests.
 */
export const DELIVERY_STEPS: Readonly<Record<string, StepInfo>> = {
  'store.lastTick': { kind: 'read' },
  'store.dueAccounts': { kind: 'read' },
  'store.dueWork': { kind: 'write' },
  'store.saveTick': { kind: 'write' },
  'store.acquire': { kind: 'write' },
  'store.pollState': { kind: 'read' },
  'vault.open': { kind: 'read' },
  'openSource imap': { kind: 'write', only: 'imap' },
  'openSource pop3': { kind: 'write', only: 'pop3' },
  'source.list': { kind: 'read' },
  'store.known': { kind: 'read' },
  'store.subscribers': { kind: 'read' },
  'source.fetch': { kind: 'write', during: true },
  'blobs.put raw': { kind: 'write', nths: [1, 3] },
  parse: { kind: 'write' },
  'blobs.put event': { kind: 'write', nths: [1, 3] },
  'store.commit': { kind: 'write' },
  'queue.enqueue dispatch': { kind: 'write' },
  'blobs.put ledger': { kind: 'write', only: 'pop3' },
  'store.saveProgress cursor': { kind: 'write' },
  'source.close': { kind: 'write' },
  'store.release': { kind: 'write', nths: [1, 2] },
  'store.claim': { kind: 'write' },
  'blobs.read': { kind: 'read', nths: [1, 2] },
  'post.post': { kind: 'write', nths: [1, 3] },
  'blobs.put body': { kind: 'write' },
  'store.finish': { kind: 'write', nths: [1, 4] },
  'queue.enqueue retry': { kind: 'write' },
  'store.account': { kind: 'read' },
  'source.settle': { kind: 'write' },
  'source.close settling': { kind: 'write' },
  'store.saveProgress settled': { kind: 'write' },
  'pack.begin': { kind: 'write' },
  'pack.write': { kind: 'write', during: true, nths: [1, 2] },
  'pack.sync': { kind: 'write', nths: [1, 2] },
};

/** Every step that `accounts add` takes, once the account is written. */
export const ADD_STEPS: Readonly<Record<string, StepInfo>> = {
  'vault.seal': { kind: 'read' },
  'store.createAccount': { kind: 'write' },
  'store.acquire': { kind: 'write' },
  'store.pollState': { kind: 'read' },
  'vault.open': { kind: 'read' },
  'openSource imap': { kind: 'write', only: 'imap' },
  'openSource pop3': { kind: 'write', only: 'pop3' },
  'source.list': { kind: 'read' },
  'blobs.put ledger': { kind: 'write', only: 'pop3' },
  'store.saveProgress cursor': { kind: 'write' },
  'source.close': { kind: 'write' },
  'store.release': { kind: 'write' },
  'store.updateAccount': { kind: 'write' },
};

/** The names of the steps that occur with a protocol. */
export function stepsOf(steps: Readonly<Record<string, StepInfo>>, protocol: 'imap' | 'pop3'): string[] {
  return Object.keys(steps).filter((step) => (steps[step]?.only ?? protocol) === protocol);
}

/** All kill points of the steps that occur with a protocol. */
export function killPointsOf(
  steps: Readonly<Record<string, StepInfo>>,
  protocol: 'imap' | 'pop3',
): KillPoint[] {
  return stepsOf(steps, protocol).flatMap((step) => {
    const { kind = 'write', during = false, nths = [1] } = steps[step] ?? {};
    const moments: Moment[] = ['before'];
    if (during) moments.push('during');
    if (kind === 'write') moments.push('after');
    return nths.flatMap((nth) => moments.map((moment) => ({ step, moment, nth })));
  });
}

/** `before store.commit`, `after post.post #3`. */
export function nameOf({ step, moment, nth }: KillPoint): string {
  return `${moment} ${step}${nth === 1 ? '' : ` #${nth}`}`;
}
