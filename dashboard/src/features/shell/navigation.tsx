import { useQuery, useQueryClient } from '@tanstack/react-query';
import { Link, useRouter } from '@tanstack/react-router';
import { ActionIcon, CloseButton, Tooltip } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import type { LiveState } from '../../api/live';
import { overviewQuery } from '../../api/overview';
import { logOut, meQuery } from '../../api/session';
import { useAction } from '../../domain/use-action';
import { useFormat } from '../../format/use-format';
import { useWord } from '../../i18n/use-word';
import { paths } from '../../paths';
import { Wordmark } from '../../ui/brand';
import { Icon, type IconName } from '../../ui/icon';
import { LanguageSwitch } from '../../ui/language-switch';
import { SchemeSwitch } from '../../ui/scheme-switch';
import classes from './navigation.module.css';

const pages = [
  { to: paths.overview, icon: 'overview', word: 'nav.overview' },
  { to: paths.stores, icon: 'store', word: 'nav.stores' },
  { to: paths.inventory, icon: 'inventory', word: 'nav.inventory' },
  { to: paths.jobs, icon: 'jobs', word: 'nav.jobs' },
  { to: paths.conflicts, icon: 'conflict', word: 'nav.conflicts', count: 'conflicts_unresolved' },
  { to: paths.rejects, icon: 'reject', word: 'nav.rejects', count: 'rejects_open' },
] as const satisfies { to: string; icon: IconName; word: string; count?: string }[];

export function Navigation({ live, onClose }: { live: LiveState; onClose: () => void }) {
  const { t } = useTranslation();
  const word = useWord();
  const format = useFormat();
  const queries = useQueryClient();
  const router = useRouter();
  const me = useQuery(meQuery);
  const overview = useQuery(overviewQuery);
  const leave = useAction({
    act: () => logOut(),
    stale: [],
    onDone: () => {
      queries.clear();
      void router.navigate({ to: paths.login });
    },
  });

  return (
    <div className={classes.rail}>
      <div className={classes.top}>
        <Link to={paths.overview} className={classes.brand} aria-label="Fluxion Sync">
          <Wordmark size={27} />
        </Link>
        <CloseButton hiddenFrom="sm" onClick={onClose} aria-label={t('shell.closeMenu')} c="inherit" variant="transparent" />
      </div>
      <nav aria-label={t('shell.pages')} className={classes.pages}>
        {pages.map((page) => {
          const count = 'count' in page ? (overview.data?.metrics[page.count] ?? 0) : 0;
          return (
            <Link
              key={page.to}
              to={page.to}
              className={classes.page}
              activeOptions={{ exact: page.to === paths.overview, includeSearch: false }}
              activeProps={{ 'data-active': true, 'aria-current': 'page' }}
              onClick={onClose}
            >
              <Icon name={page.icon} />
              <span className={classes.word}>{t(page.word)}</span>
              {count > 0 && <span className={classes.count}>{format.short(count)}</span>}
            </Link>
          );
        })}
      </nav>
      <div className={classes.foot}>
        <div className={classes.live} data-state={live} aria-live="polite">
          <span className={classes.dot} />
          {t(`live.${live}`)}
        </div>
        <div className={classes.switches}>
          <LanguageSwitch />
          <SchemeSwitch />
        </div>
        {me.data && (
          <div className={classes.me}>
            <div className={classes.who}>
              <div className={classes.name}>{me.data.tenant_name}</div>
              <div className={classes.email} title={`${me.data.email} · ${word('role', me.data.role)}`}>
                {me.data.name || me.data.email}
              </div>
            </div>
            <Tooltip label={t('shell.logOut')}>
              <ActionIcon
                variant="transparent"
                c="inherit"
                aria-label={t('shell.logOut')}
                loading={leave.isPending}
                onClick={() => leave.mutate(undefined)}
              >
                <Icon name="logout" />
              </ActionIcon>
            </Tooltip>
          </div>
        )}
      </div>
    </div>
  );
}
