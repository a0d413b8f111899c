import { useTranslation } from 'react-i18next';
import { paths } from '../../paths';
import { Empty } from '../../ui/empty';
import { Page } from '../../ui/page';
import { TextLink } from '../../ui/text-link';

export function NotFound() {
  const { t } = useTranslation();
  return (
    <Page title={t('notFound.title')}>
      <Empty icon="search" title={t('notFound.text')} action={<TextLink to={paths.overview}>{t('notFound.home')}</TextLink>}>
        {t('notFound.hint')}
      </Empty>
    </Page>
  );
}
