import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import en from './en.json';
import es from './es.json';
import { chooseLanguage, chooseLocale } from './language';

function flatten(tree: object, prefix = ''): Map<string, string> {
  const found = new Map<string, string>();
  for (const [key, value] of Object.entries(tree)) {
    const path = prefix === '' ? key : `${prefix}.${key}`;
    if (typeof value === 'string') found.set(path, value);
    else for (const [inner, text] of flatten(value as object, path)) found.set(inner, text);
  }
  return found;
}

const english = flatten(en);
const spanish = flatten(es);
const holes = (text: string) => [...text.matchAll(/\{\{(\w+)\}\}/g)].map((match) => match[1]).sort();

describe('both languages', () => {
  it('say the same things', () => {
    expect([...spanish.keys()].sort()).toEqual([...english.keys()].sort());
  });

  it('say each thing in words', () => {
    for (const [key, text] of [...english, ...spanish]) expect(text.trim(), key).not.toBe('');
  });

  it('fill in the same values', () => {
    for (const [key, text] of english) expect(holes(spanish.get(key) ?? ''), key).toEqual(holes(text));
  });

  it('know the same plurals', () => {
    for (const key of english.keys()) {
      if (key.endsWith('_one')) expect(english.has(key.replace(/_one$/, '_other')), key).toBe(true);
    }
  });
});

it('no page says a word that is not translated', () => {
  const source = join(import.meta.dirname, '..');
  const files = readdirSync(source, { recursive: true, encoding: 'utf8' }).filter(
    (file) => file.endsWith('.tsx') && !file.includes('.test.') && !file.startsWith('test-'),
  );
  const untranslated: string[] = [];
  for (const file of files) {
    const text = readFileSync(join(source, file), 'utf8');
    // Words between tags, and the attributes that people see or hear.
    for (const match of text.matchAll(/>\s*([A-Za-zÁ-ú][^<>{}=;()]*?)\s*<\/|\b(?:label|title|placeholder|aria-label)="([^"]+)"/g)) {
      const words = match[1] ?? match[2] ?? '';
      if (/[A-Za-z]{3,}/.test(words) && !['Fluxion', 'Sync', 'Fluxion Sync'].includes(words.trim())) untranslated.push(`${file}: ${words}`);
    }
  }
  expect(untranslated).toEqual([]);
});

describe('the language', () => {
  it('is the one chosen before', () => {
    expect(chooseLanguage('en', ['es-VE'])).toBe('en');
  });

  it("else the first of the browser's that we speak", () => {
    expect(chooseLanguage(null, ['pt-BR', 'en-GB', 'es'])).toBe('en');
    expect(chooseLanguage('xx', ['es-419'])).toBe('es');
  });

  it('else Spanish', () => {
    expect(chooseLanguage(null, ['pt-BR'])).toBe('es');
  });

  it("takes numbers and dates from the browser's region", () => {
    expect(chooseLocale('es', ['es-MX', 'en-US'])).toBe('es-MX');
    expect(chooseLocale('en', ['es-MX'])).toBe('en-US');
    expect(chooseLocale('es', ['es-419', 'es'])).toBe('es-VE');
  });
});
