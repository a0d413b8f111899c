import { cleanup, configure } from '@testing-library/react';
import { afterEach } from 'vitest';
import { startTranslations } from './i18n/setup';

// Pages load their code when they are first shown, which takes its time on a loaded machine.
configure({ asyncUtilTimeout: 20_000 });
startTranslations('en');
afterEach(cleanup);
