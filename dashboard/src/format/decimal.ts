/**
 * Decimals arrive as text and stay text: they are never turned into floating point, so a price is shown to its last
 * digit however large it is. `Intl.NumberFormat` reads decimal text exactly.
 */
const shape = /^-?\d+(\.\d+)?$/;

function exact(text: string): Intl.StringNumericLiteral {
  return text as Intl.StringNumericLiteral;
}

/** Whether the text is a plain decimal. */
export function isDecimal(text: string): boolean {
  return shape.test(text);
}

/**
 * An amount with its currency (the bolívar as people write it today, which locale data lags behind), at least two digits after the point and as many as it has, up to six.
 */
export function formatMoney(amount: string, currency: string, locale: string): string {
  if (!isDecimal(amount)) return `${amount} ${currency}`;
  try {
    return new Intl.NumberFormat(locale, {
      style: 'currency',
      currency,
      currencyDisplay: 'symbol',
      minimumFractionDigits: 2,
      maximumFractionDigits: 6,
    })
      .formatToParts(exact(amount))
      .map((part) => (part.type === 'currency' && currency === 'VES' ? 'Bs.' : part.value))
      .join('');
  } catch {
    return `${formatQuantity(amount, locale)} ${currency}`;
  }
}

/** A quantity, with as many digits after the point as it has. */
export function formatQuantity(quantity: string, locale: string): string {
  if (!isDecimal(quantity)) return quantity;
  return new Intl.NumberFormat(locale, { maximumFractionDigits: 6 }).format(exact(quantity));
}

/** The sign of a decimal: -1, 0 or 1. */
export function sign(text: string): -1 | 0 | 1 {
  if (!/[1-9]/.test(text)) return 0;
  return text.startsWith('-') ? -1 : 1;
}

function parts(text: string): { whole: string; fraction: string } {
  const [whole = '0', fraction = ''] = text.replace('-', '').split('.');
  return { whole: whole.replace(/^0+(?=\d)/, ''), fraction: fraction.replace(/0+$/, '') };
}

/** Orders two decimals exactly; for `sort`. */
export function compareDecimals(a: string, b: string): number {
  const [left, right] = [sign(a), sign(b)];
  if (left !== right) return left - right;
  if (left === 0) return 0;
  const [x, y] = [parts(a), parts(b)];
  let order = x.whole.length - y.whole.length;
  if (order === 0) order = x.whole < y.whole ? -1 : x.whole > y.whole ? 1 : 0;
  if (order === 0) {
    const length = Math.max(x.fraction.length, y.fraction.length);
    const [p, q] = [x.fraction.padEnd(length, '0'), y.fraction.padEnd(length, '0')];
    order = p < q ? -1 : p > q ? 1 : 0;
  }
  return left * order;
}

/** Whether two decimals are the same number, however many zeros they carry. */
export function equalDecimals(a: string, b: string): boolean {
  return compareDecimals(a, b) === 0;
}

/** For placing a point on a chart, and for nothing else: pixels need no more than a float holds. */
export function approximate(text: string): number {
  return Number(text);
}
