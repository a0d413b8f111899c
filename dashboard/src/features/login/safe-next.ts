/** Where to go after the login: an address within the dashboard, and never another host's. */
export function safeNext(next: unknown): string | undefined {
  if (typeof next !== 'string' || !next.startsWith('/') || next.startsWith('//') || next.includes('\\')) return undefined;
  return next.startsWith('/login') ? undefined : next;
}
