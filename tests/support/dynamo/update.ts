import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import type { Values } from './condition.ts';
import { ExpressionError, Tokens } from './expression-tokens.ts';
import type { Item } from './item-size.ts';

/** An update expression that was read. */
interface Update {
  /** The item after it. Every operand is of the item before it. */
  apply(item: Item, values: Values): Item;
  readonly placeholders: ReadonlySet<string>;
  /** The attributes that it changes. */
  readonly targets: ReadonlySet<string>;
}

type Operand = (item: Item, values: Values) => AttributeValue | undefined;
type Change = (before: Item, values: Values, after: Record<string, AttributeValue>) => void;

const CLAUSES = ['SET', 'REMOVE', 'ADD'] as const;

const known = new Map<string, Update>();

/** Reads an update expression (Developer Guide, "Update expressions"): SET, REMOVE, and ADD of numbers, all on whole attributes. */
export function readUpdate(text: string): Update {
  const before = known.get(text);
  if (before !== undefined) return before;
  const parser = new UpdateParser(text);
  const changes = parser.read();
  const update: Update = {
    apply(item, values) {
      const after = { ...item };
      for (const change of changes) change(item, values, after);
      return after;
    },
    placeholders: parser.placeholders,
    targets: parser.targets,
  };
  known.set(text, update);
  return update;
}

class UpdateParser {
  readonly placeholders = new Set<string>();
  readonly targets = new Set<string>();
  readonly #tokens: Tokens;

  constructor(text: string) {
    this.#tokens = new Tokens(text);
  }

  read(): Change[] {
    const changes: Change[] = [];
    while (!this.#tokens.ended) {
      const clause = CLAUSES.find((word) => this.#tokens.take(word));
      if (clause === undefined) throw this.#tokens.unknown();
      do changes.push(this.#change(clause));
      while (this.#tokens.take(','));
    }
    if (changes.length === 0) throw this.#tokens.unknown();
    return changes;
  }

  #change(clause: (typeof CLAUSES)[number]): Change {
    const name = this.#tokens.path();
    if (this.targets.has(name)) throw new ExpressionError(`Cannot change "${name}" twice in one update`);
    this.targets.add(name);
    if (clause === 'SET') return this.#set(name);
    if (clause === 'REMOVE') return (_before, _values, after) => void delete after[name];
    return this.#add(name);
  }

  #set(name: string): Change {
    this.#tokens.expect('=');
    const operand = this.#sum();
    return (before, values, after) => {
      const value = operand(before, values);
      if (value === undefined) throw new ExpressionError(`Cannot set "${name}" to what is not there`);
      after[name] = value;
    };
  }

  #add(name: string): Change {
    const placeholder = this.#tokens.placeholder();
    this.placeholders.add(placeholder);
    return (before, values, after) => {
      after[name] = { N: String(numberOf(before[name] ?? { N: '0' }) + numberOf(values[placeholder])) };
    };
  }

  #sum(): Operand {
    const left = this.#operand();
    const isSum = this.#tokens.take('+');
    if (!isSum && !this.#tokens.take('-')) return left;
    const right = this.#operand();
    const sign = isSum ? 1 : -1;
    return (item, values) => ({
      N: String(numberOf(left(item, values)) + sign * numberOf(right(item, values))),
    });
  }

  #operand(): Operand {
    if (this.#tokens.take('if_not_exists')) {
      this.#tokens.expect('(');
      const name = this.#tokens.path();
      this.#tokens.expect(',');
      const otherwise = this.#operand();
      this.#tokens.expect(')');
      return (item, values) => item[name] ?? otherwise(item, values);
    }
    if (!this.#tokens.peek().startsWith(':')) {
      const name = this.#tokens.path();
      return (item) => item[name];
    }
    const placeholder = this.#tokens.placeholder();
    this.placeholders.add(placeholder);
    return (_item, values) => values[placeholder];
  }
}

function numberOf(value: AttributeValue | undefined): number {
  if (value?.N !== undefined) return Number(value.N);
  throw new ExpressionError('Cannot add what is no number');
}
