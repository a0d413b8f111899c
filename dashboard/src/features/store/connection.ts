/** A connection as one line: `host=192.168.1.20 port=3306 database=systimax`. Secrets never left the store. */
export function describeConnection(connection: unknown): string {
  if (typeof connection !== 'object' || connection === null) return '';
  return Object.entries(connection)
    .filter(([, value]) => value !== null && typeof value !== 'object')
    .map(([name, value]) => `${name}=${String(value)}`)
    .join('  ');
}
