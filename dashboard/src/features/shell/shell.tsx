import { AppShell, Burger } from '@mantine/core';
import { useDisclosure, useMediaQuery } from '@mantine/hooks';
import { useRouterState } from '@tanstack/react-router';
import { type ReactNode, useEffect, useRef } from 'react';
import { useTranslation } from 'react-i18next';
import { type LiveState, useLive } from '../../api/live';
import { Wordmark } from '../../ui/brand';
import { Navigation } from './navigation';
import { OfflineBanner } from './offline-banner';
import classes from './shell.module.css';

/** The frame of every page: navigation at the side, the page beside it. */
export function Shell({ children }: { children: ReactNode }) {
  const { t } = useTranslation();
  const live: LiveState = useLive();
  const [opened, menu] = useDisclosure(false);
  const phone = useMediaQuery('(max-width: 47.99em)');
  const main = useRef<HTMLDivElement>(null);
  const path = useRouterState({ select: (state) => state.location.pathname });
  const shown = useRef(path);

  // A new page is announced by moving the focus to its heading, and the menu of a phone gets out of the way.
  useEffect(() => {
    if (shown.current === path) return;
    shown.current = path;
    menu.close();
    main.current?.querySelector<HTMLElement>('h1')?.focus({ preventScroll: true });
  }, [path, menu]);

  return (
    <AppShell
      layout="alt"
      header={{ height: { base: 54, sm: 0 } }}
      navbar={{ width: 232, breakpoint: 'sm', collapsed: { mobile: !opened } }}
      withBorder={false}
    >
      <a href="#main" className="fx-skip">
        {t('shell.skip')}
      </a>
      <AppShell.Header className={classes.header} hiddenFrom="sm">
        <Burger
          opened={opened}
          onClick={menu.toggle}
          size="sm"
          color="currentColor"
          aria-label={t(opened ? 'shell.closeMenu' : 'shell.openMenu')}
          aria-expanded={opened}
        />
        <Wordmark size={24} />
      </AppShell.Header>
      {/* Off the screen it must be out of the reach of the keyboard too. */}
      <AppShell.Navbar className={classes.rail} inert={phone && !opened}>
        <Navigation live={live} onClose={menu.close} />
      </AppShell.Navbar>
      <AppShell.Main id="main" tabIndex={-1} className={classes.main}>
        <OfflineBanner />
        <div className={classes.page} ref={main}>
          {children}
        </div>
      </AppShell.Main>
    </AppShell>
  );
}
