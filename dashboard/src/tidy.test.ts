import { execFileSync } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { join, posix } from 'node:path';
import { expect, it } from 'vitest';

const source = import.meta.dirname;
const files = readdirSync(source, { recursive: true, encoding: 'utf8' })
  .map((file) => file.replaceAll('\\', '/'))
  .filter((file) => /\.tsx?$/.test(file));

/** Where each import of a file leads, as a path within `src`. */
function imports(file: string): string[] {
  const text = readFileSync(join(source, file), 'utf8');
  return [...text.matchAll(/(?:from|import\()\s*'(\.[^']+)'/g)].map((match) =>
    posix.normalize(posix.join(posix.dirname(file), match[1] ?? '')),
  );
}

const feature = (path: string) => /^features\/([^/]+)\//.exec(path)?.[1];

it('the client fits openapi.json', () => {
  execFileSync('node', ['scripts/generate.mjs', '--check'], { cwd: join(source, '..'), stdio: 'pipe' });
}, 60_000);

it('features never import each other', () => {
  const wrong = files.flatMap((file) =>
    imports(file)
      .filter((target) => feature(file) && feature(target) && feature(file) !== feature(target))
      .map((target) => `${file} -> ${target}`),
  );
  expect(wrong).toEqual([]);
});

it('ui knows no data', () => {
  const wrong = files
    .filter((file) => file.startsWith('ui/'))
    .flatMap((file) => imports(file).filter((target) => /^(api|domain|features|routes)\//.test(target)).map((target) => `${file} -> ${target}`));
  expect(wrong).toEqual([]);
});

it('nothing but the router imports a route', () => {
  const wrong = files
    .filter((file) => !file.startsWith('routes/') && file !== 'router.tsx')
    .filter((file) => imports(file).some((target) => target.startsWith('routes/')));
  expect(wrong).toEqual([]);
});

it('there are no barrels, and no file that could hold anything', () => {
  expect(files.filter((file) => /(^|\/)(index|utils|helpers|common)\.tsx?$/.test(file))).toEqual([]);
});

it('files stay small enough to read', () => {
  const long = files.filter((file) => file !== 'api/schema.d.ts' && readFileSync(join(source, file), 'utf8').split('\n').length > 400);
  expect(long).toEqual([]);
});
