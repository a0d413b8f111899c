import { queryOptions } from '@tanstack/react-query';
import { client } from './client';
import { call } from './problem';
import type { Me } from './types';

export const meQuery = queryOptions({
  queryKey: ['me'],
  queryFn: () => call<Me>(client.GET('/v1/me')),
  staleTime: 5 * 60_000,
});

export async function logIn(email: string, password: string): Promise<void> {
  await call(client.POST('/v1/session', { body: { email, password } }));
}

export async function logOut(): Promise<void> {
  await call(client.DELETE('/v1/session'));
}
