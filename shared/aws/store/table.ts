/** The attributes of the table's own key; both are strings. */
export const TABLE_KEY = { partition: 'pk', sort: 'sk' } as const;

/** A global secondary index: its name, the attributes of its key (strings, both), and what else it holds. */
export interface IndexShape {
  readonly name: string;
  readonly partition: string;
  readonly sort: string;
  /** Non-key attributes of its `INCLUDE` projection: every write of one of them is a write of the index too, so they are few. */
  readonly include: readonly string[];
}

/** What is due, the wheel of the schedule, and the log of events by month; an item is in it only while it has the key. */
export const WORK_INDEX = {
  name: 'GSI1',
  partition: 'gsi1pk',
  sort: 'gsi1sk',
  include: ['host', 'itemState'],
} as const satisfies IndexShape;

/** The events of an account and the deliveries of a webhook in one state, by time. */
export const LIST_INDEX = {
  name: 'GSI2',
  partition: 'gsi2pk',
  sort: 'gsi2sk',
  include: ['itemState'],
} as const satisfies IndexShape;

/**
 * DynamoDB's time to live, in seconds since 1970. It only clears away what nobody reads any more: no decision depends on
 * whether an item was deleted in time.
 */
export const EXPIRY_ATTRIBUTE = 'expiresAt';

/** The partition of an event with its deliveries begins with it. */
export const EVENT_PREFIX = 'E#';
