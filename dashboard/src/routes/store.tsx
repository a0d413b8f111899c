import { createRoute } from '@tanstack/react-router';
import { lazy } from 'react';
import { paths } from '../paths';
import { shellRoute } from './shell';

const StorePage = lazy(() => import('../features/store/store-page').then((page) => ({ default: page.StorePage })));
const JobTable = lazy(() => import('../features/jobs/job-table').then((table) => ({ default: table.JobTable })));
const RejectList = lazy(() => import('../features/rejects/reject-list').then((list) => ({ default: list.RejectList })));
const EnrolDialog = lazy(() => import('../features/stores/enrol-dialog').then((dialog) => ({ default: dialog.EnrolDialog })));

export const storeRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: paths.store,
  component: function Store() {
    const { storeId } = storeRoute.useParams();
    return (
      <StorePage
        key={storeId}
        storeId={storeId}
        renderJobs={(jobs) => <JobTable jobs={jobs} withStore={false} />}
        renderRejects={(rejects) => <RejectList rejects={rejects} withStore={false} />}
        renderEnrol={(store, onClose) => <EnrolDialog store={store} onClose={onClose} />}
      />
    );
  },
});
