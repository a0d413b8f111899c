import { Problem } from './problem';
import { reached, unreached } from './reachability';
import type { CarryReport } from './types';

/**
 * Sends the file that an agent wrote, and says how much of it has gone, from 0 to 1. The service reads it only as fast as
 * it applies it, so this tells how far that is. `fetch` does not say, hence the older way.
 */
export function importCarried(file: File, onProgress: (share: number) => void): Promise<CarryReport> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open('POST', '/v1/carry');
    request.setRequestHeader('Accept', 'application/json, application/problem+json');
    request.setRequestHeader('Content-Type', 'application/octet-stream');
    request.upload.onprogress = (event) => onProgress(file.size === 0 ? 1 : event.loaded / file.size);
    request.onerror = () => {
      unreached();
      reject(new Problem(0, 'unreachable'));
    };
    request.onload = () => {
      reached();
      const answer = parsed(request.responseText);
      if (request.status === 200) resolve(answer as unknown as CarryReport);
      else reject(problemOf(request.status, answer));
    };
    request.send(file);
  });
}

function parsed(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

function problemOf(status: number, answer: Record<string, unknown>): Problem {
  const told = (key: string) => (typeof answer[key] === 'string' ? answer[key] : '');
  // A proxy in between speaks for itself, and mostly of bodies that are larger than it likes.
  const code = told('code') || (status === 413 ? 'too_large' : 'unknown');
  return new Problem(status, code, told('title'), told('detail'), told('request_id'));
}
