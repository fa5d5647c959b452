import type { AttributeValue } from '@aws-sdk/client-dynamodb';

/** An item as DynamoDB has it. */
export type Item = Readonly<Record<string, AttributeValue>>;

/**
 * The bytes of an item as DynamoDB counts them for capacity: of each attribute its name in UTF-8 and its value
 * (Developer Guide, "DynamoDB item sizes and formats").
 */
export function itemSize(item: Item): number {
  let size = 0;
  for (const name in item) {
    const value = item[name];
    if (value !== undefined) size += textSize(name) + valueSize(value);
  }
  return size;
}

/** The bytes of one value. Throws for a type that nobody here uses, lest it be counted wrong. */
export function valueSize(value: AttributeValue): number {
  if (value.S !== undefined) return textSize(value.S);
  if (value.N !== undefined) return numberSize(value.N);
  if (value.B !== undefined) return value.B.byteLength;
  if (value.BOOL !== undefined || value.NULL !== undefined) return 1;
  throw new TypeError(`Cannot count an attribute of the type ${Object.keys(value).join()}`);
}

/** One byte for each two significant digits, pairs counted from the decimal point, one more, and one more when negative. */
function numberSize(text: string): number {
  const [mantissa = '', exponent = '0'] = text.toLowerCase().replace(/^[+-]/, '').split('e');
  const [whole = '', fraction = ''] = mantissa.split('.');
  const digits = (whole + fraction).replace(/^0+/, '');
  const significant = digits.replace(/0+$/, '');
  if (significant === '') return 1;
  const power = Number(exponent) - fraction.length + (digits.length - significant.length);
  const odd = Math.abs(power % 2);
  return 1 + Math.ceil((significant.length + odd) / 2) + (text.startsWith('-') ? 1 : 0);
}

function textSize(text: string): number {
  return Buffer.byteLength(text, 'utf8');
}
