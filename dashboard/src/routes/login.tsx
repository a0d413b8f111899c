import { useQueryClient } from '@tanstack/react-query';
import { createRoute } from '@tanstack/react-router';
import { LoginPage } from '../features/login/login-page';
import { safeNext } from '../features/login/safe-next';
import { paths } from '../paths';
import { rootRoute } from './root';

export const loginRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: paths.login,
  validateSearch: (search: Record<string, unknown>): { next?: string } => {
    const next = safeNext(search.next);
    return next === undefined ? {} : { next };
  },
  component: function Login() {
    const queries = useQueryClient();
    const navigate = loginRoute.useNavigate();
    const { next } = loginRoute.useSearch();
    return (
      <LoginPage
        onLoggedIn={async () => {
          queries.clear();
          await navigate({ href: next ?? paths.overview, replace: true });
        }}
      />
    );
  },
});
