import { createRoute } from '@tanstack/react-router';
import { lazy } from 'react';
import { readJobSearch } from '../features/jobs/search';
import { paths } from '../paths';
import { shellRoute } from './shell';

const JobsPage = lazy(() => import('../features/jobs/jobs-page').then((page) => ({ default: page.JobsPage })));

export const jobsRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: paths.jobs,
  validateSearch: readJobSearch,
  component: function Jobs() {
    const navigate = jobsRoute.useNavigate();
    return <JobsPage filter={jobsRoute.useSearch()} onFilter={(search) => void navigate({ search, replace: true })} />;
  },
});
