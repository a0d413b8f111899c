// Writes src/api/schema.d.ts from ../ingest/openapi.json. With --check it only says whether the file is fresh.
import { readFile, writeFile } from 'node:fs/promises';
import openapiTS, { astToString } from 'openapi-typescript';

const source = new URL('../../ingest/openapi.json', import.meta.url);
const target = new URL('../src/api/schema.d.ts', import.meta.url);
const banner = '// Generated from ingest/openapi.json by `npm run generate`. Do not edit.\n\n';

const text = banner + astToString(await openapiTS(JSON.parse(await readFile(source, 'utf8')), { alphabetize: true }));
if (process.argv.includes('--check')) {
  const current = await readFile(target, 'utf8').catch(() => '');
  if (current !== text) {
    console.error('src/api/schema.d.ts does not fit ingest/openapi.json; run `npm run generate` and commit the result.');
    process.exit(1);
  }
} else {
  await writeFile(target, text);
}
