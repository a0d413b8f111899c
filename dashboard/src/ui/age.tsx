import { Tooltip } from '@mantine/core';
import { useFormat } from '../format/use-format';
import { useNow } from '../format/use-now';

/** How long ago, ticking; the exact moment on hover and for machines. */
export function Age({ at }: { at: string }) {
  const now = useNow();
  const format = useFormat();
  return (
    <Tooltip label={format.moment(at)}>
      <time dateTime={at} className="fx-num">
        {format.age(at, now)}
      </time>
    </Tooltip>
  );
}
