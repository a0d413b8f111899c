// Starts the system's Chromium and logs in. Nothing is downloaded: playwright-core only drives what is installed.
import { chromium } from 'playwright-core';

function need(name) {
  const value = process.env[name];
  if (!value) throw new Error(`set ${name}; see the head of e2e/browser.test.mjs`);
  return value;
}

export const url = need('FLUXION_URL').replace(/\/$/, '');
export const email = need('FLUXION_EMAIL');
export const password = need('FLUXION_PASSWORD');

export function launch() {
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: [
      '--headless',
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
}

const words = {
  es: { email: 'Correo electrónico', password: 'Contraseña', submit: 'Entrar' },
  en: { email: 'E-mail', password: 'Password', submit: 'Log in' },
};

export async function logIn(page, language = 'en', secret = password) {
  await page.goto(`${url}/login`);
  await page.getByLabel(words[language].email, { exact: true }).fill(email);
  await page.getByLabel(words[language].password, { exact: true }).fill(secret);
  await page.getByRole('button', { name: words[language].submit, exact: true }).click();
}
