import { reached, unreached } from './reachability';

/** What went wrong with a request: an RFC 9457 problem, or no answer at all (status 0). */
export class Problem extends Error {
  override name = 'Problem';
  constructor(
    readonly status: number,
    /** A short, stable word to branch on and to translate by. */
    readonly code: string,
    readonly title = '',
    readonly detail = '',
    /** Names the request in the server's log. */
    readonly requestId = '',
  ) {
    super(detail || title || code);
  }

  get unreachable(): boolean {
    return this.status === 0;
  }
}

function text(value: unknown, key: string): string {
  if (typeof value !== 'object' || value === null) return '';
  const found = (value as Record<string, unknown>)[key];
  return typeof found === 'string' ? found : '';
}

/** Answers that come from a proxy when ingest is not there. */
const gone = new Set([502, 504]);

/** The body of a good answer; throws a [`Problem`] otherwise, and keeps note of whether ingest answers at all. */
export async function call<T>(request: Promise<{ data?: T; error?: unknown; response: Response }>): Promise<T> {
  let answer: Awaited<typeof request>;
  try {
    answer = await request;
  } catch {
    unreached();
    throw new Problem(0, 'unreachable');
  }
  if (answer.response.ok) {
    reached();
    return answer.data as T;
  }
  if (gone.has(answer.response.status)) {
    unreached();
    throw new Problem(0, 'unreachable');
  }
  reached();
  const told = (key: string) => text(answer.error, key);
  throw new Problem(answer.response.status, told('code') || 'unknown', told('title'), told('detail'), told('request_id'));
}
