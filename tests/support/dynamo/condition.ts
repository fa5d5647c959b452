import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import { compareValues } from './attribute-order.ts';
import { Tokens } from './expression-tokens.ts';
import type { Item } from './item-size.ts';

export type Values = Readonly<Record<string, AttributeValue>>;

/** A condition that was read. */
interface Condition {
  holds(item: Item, values: Values): boolean;
  /** The values that it names. */
  readonly placeholders: ReadonlySet<string>;
}

type Test = (item: Item, values: Values) => boolean;
type Operand = (item: Item, values: Values) => AttributeValue | undefined;

const known = new Map<string, Condition>();

/** Reads a condition or filter expression (Developer Guide, "Condition and filter expressions"); of its functions those on whole attributes. */
export function readCondition(text: string): Condition {
  const before = known.get(text);
  if (before !== undefined) return before;
  const parser = new ConditionParser(text);
  const condition: Condition = { holds: parser.read(), placeholders: parser.placeholders };
  known.set(text, condition);
  return condition;
}

class ConditionParser {
  readonly placeholders = new Set<string>();
  readonly #tokens: Tokens;

  constructor(text: string) {
    this.#tokens = new Tokens(text);
  }

  read(): Test {
    const test = this.#either();
    if (!this.#tokens.ended) throw this.#tokens.unknown();
    return test;
  }

  #either(): Test {
    const tests = [this.#both()];
    while (this.#tokens.take('OR')) tests.push(this.#both());
    return (item, values) => tests.some((test) => test(item, values));
  }

  #both(): Test {
    const tests = [this.#single()];
    while (this.#tokens.take('AND')) tests.push(this.#single());
    return (item, values) => tests.every((test) => test(item, values));
  }

  #single(): Test {
    if (this.#tokens.take('NOT')) {
      const test = this.#single();
      return (item, values) => !test(item, values);
    }
    if (this.#tokens.take('(')) {
      const test = this.#either();
      this.#tokens.expect(')');
      return test;
    }
    return this.#function() ?? this.#comparison();
  }

  #function(): Test | null {
    const exists = this.#tokens.take('attribute_exists');
    if (exists || this.#tokens.take('attribute_not_exists')) {
      this.#tokens.expect('(');
      const name = this.#tokens.path();
      this.#tokens.expect(')');
      return (item) => (item[name] !== undefined) === exists;
    }
    if (!this.#tokens.take('begins_with')) return null;
    this.#tokens.expect('(');
    const text = this.#operand();
    this.#tokens.expect(',');
    const prefix = this.#operand();
    this.#tokens.expect(')');
    return (item, values) => {
      const start = prefix(item, values)?.S;
      return start !== undefined && text(item, values)?.S?.startsWith(start) === true;
    };
  }

  #comparison(): Test {
    const left = this.#operand();
    if (this.#tokens.take('BETWEEN')) return this.#between(left);
    if (this.#tokens.take('IN')) return this.#oneOf(left);
    const sign = this.#tokens.next();
    const right = this.#operand();
    const fits = ORDERS[sign];
    if (fits === undefined) throw this.#tokens.unknown();
    return (item, values) => {
      const [a, b] = [left(item, values), right(item, values)];
      // A missing attribute is like none, and so it is unlike all.
      if (a === undefined || b === undefined) return sign === '<>';
      const order = compareValues(a, b);
      return order === null ? sign === '<>' : fits(order);
    };
  }

  #between(middle: Operand): Test {
    const low = this.#operand();
    this.#tokens.expect('AND');
    const high = this.#operand();
    return (item, values) => {
      const value = middle(item, values);
      const [first, last] = [low(item, values), high(item, values)];
      if (value === undefined || first === undefined || last === undefined) return false;
      const [above, below] = [compareValues(value, first), compareValues(value, last)];
      return above !== null && below !== null && above >= 0 && below <= 0;
    };
  }

  #oneOf(left: Operand): Test {
    this.#tokens.expect('(');
    const choices = [this.#operand()];
    while (this.#tokens.take(',')) choices.push(this.#operand());
    this.#tokens.expect(')');
    return (item, values) => {
      const value = left(item, values);
      if (value === undefined) return false;
      return choices.some((choice) => {
        const other = choice(item, values);
        return other !== undefined && compareValues(value, other) === 0;
      });
    };
  }

  #operand(): Operand {
    if (!this.#tokens.peek().startsWith(':')) {
      const name = this.#tokens.path();
      return (item) => item[name];
    }
    const placeholder = this.#tokens.placeholder();
    this.placeholders.add(placeholder);
    return (_item, values) => values[placeholder];
  }
}

const ORDERS: Readonly<Record<string, (order: number) => boolean>> = {
  '=': (order) => order === 0,
  '<>': (order) => order !== 0,
  '<': (order) => order < 0,
  '<=': (order) => order <= 0,
  '>': (order) => order > 0,
  '>=': (order) => order >= 0,
};
