import { createRoute } from '@tanstack/react-router';
import { lazy } from 'react';
import { paths } from '../paths';
import { shellRoute } from './shell';

const ProductPage = lazy(() => import('../features/product/product-page').then((page) => ({ default: page.ProductPage })));

export const productRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: paths.product,
  component: function Product() {
    const { productId } = productRoute.useParams();
    return <ProductPage key={productId} productId={productId} />;
  },
});
