import { describe, expect, it } from 'vitest';
import { compareDecimals, equalDecimals, formatMoney, formatQuantity, sign } from './decimal';

/** Locale data separates with no-break spaces of two kinds. */
const plain = (text: string) => text.replace(/[\u00a0\u202f]/g, ' ');

describe('money', () => {
  it('is written as the locale does, with its currency', () => {
    expect(plain(formatMoney('1234.5', 'USD', 'es-VE'))).toBe('USD 1.234,50');
    expect(plain(formatMoney('1234.5', 'MXN', 'es-MX'))).toBe('$1,234.50');
    expect(plain(formatMoney('1234.5', 'USD', 'en-US'))).toBe('$1,234.50');
  });

  it('writes the bolívar as people do today', () => {
    expect(plain(formatMoney('38.9', 'VES', 'es-VE'))).toBe('Bs. 38,90');
    expect(plain(formatMoney('38.9', 'VES', 'en-US'))).toBe('Bs. 38.90');
  });

  it('never loses a digit to floating point', () => {
    expect(plain(formatMoney('3999999999999.999999', 'USD', 'en-US'))).toBe('$3,999,999,999,999.999999');
    expect(plain(formatMoney('0.1', 'USD', 'en-US'))).toBe('$0.10');
    expect(plain(formatMoney('-0.000001', 'USD', 'en-US'))).toBe('-$0.000001');
  });

  it('shows what it cannot read as it came', () => {
    expect(formatMoney('about ten', 'USD', 'en-US')).toBe('about ten USD');
    expect(plain(formatMoney('10', 'not a currency', 'en-US'))).toBe('10 not a currency');
  });
});

describe('quantities', () => {
  it('keep the digits they have', () => {
    expect(formatQuantity('96.5', 'es-VE')).toBe('96,5');
    expect(formatQuantity('-3.000000', 'es-VE')).toBe('-3');
    expect(formatQuantity('20000', 'es-VE')).toBe('20.000');
  });

  it('know their sign', () => {
    expect([sign('-0.5'), sign('0.000'), sign('-0'), sign('12')]).toEqual([-1, 0, 0, 1]);
  });
});

describe('order', () => {
  it('is exact and numeric, not by letters', () => {
    const sorted = ['10', '9', '-2', '-10', '0.3', '0.30000000001', '9007199254740993', '9007199254740992'];
    sorted.sort(compareDecimals);
    expect(sorted).toEqual(['-10', '-2', '0.3', '0.30000000001', '9', '10', '9007199254740992', '9007199254740993']);
  });

  it('counts trailing and leading zeros for nothing', () => {
    expect(equalDecimals('12.50', '12.5')).toBe(true);
    expect(equalDecimals('0012', '12')).toBe(true);
    expect(equalDecimals('-0.0', '0')).toBe(true);
    expect(equalDecimals('12.5', '12.51')).toBe(false);
  });
});
