import { useQuery } from '@tanstack/react-query';
import { meQuery } from '../api/session';
import type { Role } from '../api/types';

const ladder: readonly Role[] = ['viewer', 'operator', 'admin'];

/** Whether a role may do what the other may: each may do what those before it may. */
export function mayAs(role: Role, needed: Role): boolean {
  return ladder.indexOf(role) >= ladder.indexOf(needed);
}

/** Whether the person who is logged in has that role or a higher one. The server decides; this only hides what it would refuse. */
export function useMay(needed: Role): boolean {
  const me = useQuery(meQuery);
  return me.data !== undefined && mayAs(me.data.role, needed);
}
