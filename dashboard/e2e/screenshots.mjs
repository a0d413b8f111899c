// Takes the pictures of the README from a running ingest into a folder.
//
// Run: FLUXION_URL=… FLUXION_EMAIL=… FLUXION_PASSWORD=… node e2e/screenshots.mjs FOLDER
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { launch, logIn, url } from './chromium.mjs';

const folder = process.argv[2];
if (!folder) {
  console.error('say where to: node e2e/screenshots.mjs FOLDER');
  process.exit(2);
}

const wide = { width: 1360, height: 850 };
const narrow = { width: 390, height: 844 };
const pictures = [
  { name: 'overview-es', language: 'es', scheme: 'light', size: wide, path: '/' },
  { name: 'overview-en', language: 'en', scheme: 'light', size: wide, path: '/' },
  { name: 'overview-es-dark', language: 'es', scheme: 'dark', size: wide, path: '/' },
  { name: 'overview-en-dark', language: 'en', scheme: 'dark', size: wide, path: '/' },
  { name: 'overview-es-phone', language: 'es', scheme: 'light', size: narrow, path: '/' },
  { name: 'overview-en-phone-dark', language: 'en', scheme: 'dark', size: narrow, path: '/' },
  { name: 'inventory-es', language: 'es', scheme: 'light', size: wide, path: '/inventory' },
  { name: 'inventory-en', language: 'en', scheme: 'light', size: wide, path: '/inventory' },
  { name: 'rejects-es', language: 'es', scheme: 'light', size: wide, path: '/rejects' },
  { name: 'rejects-en', language: 'en', scheme: 'light', size: wide, path: '/rejects' },
  { name: 'store-es', language: 'es', scheme: 'light', size: wide, path: '/stores', follow: 'table a' },
  { name: 'store-en', language: 'en', scheme: 'light', size: wide, path: '/stores', follow: 'table a' },
  { name: 'product-es', language: 'es', scheme: 'light', size: wide, path: '/inventory', follow: 'table a' },
];

await mkdir(folder, { recursive: true });
const browser = await launch();
try {
  const states = {};
  for (const language of ['es', 'en']) {
    const context = await browser.newContext({ locale: language === 'es' ? 'es-VE' : 'en-US' });
    const page = await context.newPage();
    await logIn(page, language);
    await page.locator('[data-testid="headline"]').waitFor();
    states[language] = await context.storageState();
    await context.close();
  }
  for (const { name, language, scheme, size, path, follow } of pictures) {
    const context = await browser.newContext({
      locale: language === 'es' ? 'es-VE' : 'en-US',
      timezoneId: 'America/Caracas',
      colorScheme: scheme,
      viewport: size,
      deviceScaleFactor: size === narrow ? 2 : 1,
      storageState: states[language],
    });
    const page = await context.newPage();
    await page.goto(url + path);
    const settled = async () => {
      await page.locator('h1').waitFor();
      await page.waitForFunction(() => document.querySelector('[aria-busy="true"]') === null);
      await page.evaluate(() => document.fonts.ready);
    };
    await settled();
    if (follow) {
      await page.locator(follow).first().click();
      await page.waitForURL((address) => address.pathname !== path);
      await settled();
    }
    // The line for live events opens a moment after the page.
    await page.waitForTimeout(600);
    await page.screenshot({ path: join(folder, `${name}.png`) });
    console.log(join(folder, `${name}.png`));
    await context.close();
  }
} finally {
  await browser.close();
}
