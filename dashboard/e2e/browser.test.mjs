// What a person does in a browser, against a running ingest with at least one agent that syncs.
//
//   FLUXION_URL       http://127.0.0.1:8080
//   FLUXION_EMAIL     of a person who may do everything
//   FLUXION_PASSWORD
//   FLUXION_STORE     name of the store that is to turn green; any one when absent
//   FLUXION_PATIENCE  seconds to wait for that, 180 when absent
//   CHROMIUM          /usr/bin/chromium when absent
//
// Run: npm run e2e
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import { launch, logIn, url } from './chromium.mjs';

const patience = Number(process.env.FLUXION_PATIENCE ?? 180) * 1000;
const store = process.env.FLUXION_STORE;
const axe = await readFile(new URL('../node_modules/axe-core/axe.min.js', import.meta.url), 'utf8');

let browser;
let context;
let page;
/** What the browser complained about: script errors, refusals of the content security policy. */
const complaints = [];

before(async () => {
  browser = await launch();
  context = await browser.newContext({ locale: 'en-US', viewport: { width: 1280, height: 900 } });
  page = await context.newPage();
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('console', (message) => {
    // A 401 before the login is part of the story.
    if (message.type() === 'error' && !message.text().includes('401')) complaints.push(message.text());
  });
});

after(async () => {
  await browser?.close();
});

/** Looks for what keeps people with a disability out, and for content wider than the screen. */
async function inspect(name) {
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() => globalThis.axe.run({ resultTypes: ['violations'] }));
  const told = violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.target.join(' ')).join(', ')}`);
  assert.deepEqual(told, [], `${name} is accessible`);
  const excess = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
  assert.ok(excess <= 0, `${name} is ${excess} pixels wider than the screen`);
}

test('a wrong password is refused with a sentence that says so', async () => {
  await logIn(page, 'en', 'certainly not the password');
  await page.getByText('E-mail or password is wrong').waitFor();
});

test('a person logs in and sees a store turn green, without touching anything', { timeout: patience + 60_000 }, async () => {
  await logIn(page);
  await page.getByRole('heading', { name: 'Overview', level: 1 }).waitFor();
  const row = store ? page.getByRole('row').filter({ hasText: store }) : page;
  const green = row.locator('[data-testid="store-state"][data-state="ok"]').first();
  await green.waitFor({ timeout: patience });
  assert.match(await green.innerText(), /In sync/);
  await page.getByText('Live', { exact: true }).waitFor();
  await inspect('the overview');
});

test('the inventory finds a product by part of its name and shows what each store has of it', async () => {
  await page.getByRole('link', { name: 'Inventory', exact: true }).click();
  await page.getByRole('heading', { name: 'Inventory', level: 1 }).waitFor();
  const product = page.getByRole('table').getByRole('link').first();
  const name = await product.innerText();
  await inspect('the inventory');
  const part = name.split(/\s+/).find((word) => word.length > 3) ?? name;
  await page.getByLabel('Search the inventory').fill(part);
  await page.waitForURL(/search=/);
  await page.getByRole('table').getByRole('link').first().click();
  await page.getByRole('heading', { name: 'Stock by store' }).waitFor();
  await page.getByRole('heading', { name: 'Where it comes from' }).waitFor();
  await inspect('a product');
});

test('the page of a store shows its streams, agent and jobs', async () => {
  await page.getByRole('link', { name: 'Stores', exact: true }).click();
  await page.getByRole('heading', { name: 'Stores', level: 1 }).waitFor();
  const link = store ? page.getByRole('link', { name: store }) : page.getByRole('table').getByRole('link').first();
  await link.click();
  await page.getByRole('heading', { name: 'Latest jobs' }).waitFor();
  await page.getByRole('heading', { name: 'Agent', exact: true }).waitFor();
  await inspect('a store');
});

test('every other page opens, in the dark and on a phone too', async () => {
  await page.setViewportSize({ width: 390, height: 844 });
  await page.emulateMedia({ colorScheme: 'dark' });
  for (const path of ['/', '/stores', '/jobs', '/inventory', '/conflicts', '/rejects']) {
    await page.goto(url + path);
    await page.getByRole('heading', { level: 1 }).waitFor();
    await page.waitForFunction(() => document.querySelector('[aria-busy="true"]') === null);
    await inspect(`${path} on a phone, dark`);
  }
});

test('the language is switched with one press and remembered', async () => {
  await page.setViewportSize({ width: 1280, height: 900 });
  await page.emulateMedia({ colorScheme: 'light' });
  await page.goto(url);
  await page.getByRole('button', { name: 'Español' }).click();
  await page.getByRole('heading', { name: 'Resumen', level: 1 }).waitFor();
  await page.reload();
  await page.getByRole('heading', { name: 'Resumen', level: 1 }).waitFor();
  assert.equal(await page.evaluate(() => document.documentElement.lang), 'es');
});

test('logging out ends the session', async () => {
  await page.getByRole('button', { name: 'Cerrar sesión' }).click();
  await page.getByRole('button', { name: 'Entrar' }).waitFor();
  await page.goto(`${url}/inventory`);
  await page.getByRole('button', { name: 'Entrar' }).waitFor();
});

test('the browser had nothing to complain about', () => {
  assert.deepEqual(complaints, []);
});
