import { type LinkComponent, createLink } from '@tanstack/react-router';
import type { AnchorHTMLAttributes, Ref } from 'react';
import classes from './text-link.module.css';

function Anchor({ ref, ...props }: AnchorHTMLAttributes<HTMLAnchorElement> & { ref?: Ref<HTMLAnchorElement> }) {
  return <a ref={ref} {...props} className={`${classes.link} ${props.className ?? ''}`} />;
}

const Created = createLink(Anchor);

/** A link within the dashboard, in running text or a table. */
export const TextLink: LinkComponent<typeof Anchor> = (props) => <Created preload="intent" {...props} />;
