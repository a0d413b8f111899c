import { Skeleton } from '@mantine/core';

/** The outline of a page while its code or its first data is on the way. */
export function PageSkeleton() {
  return (
    <div aria-busy="true">
      <Skeleton height={28} width={220} mb={22} />
      <Skeleton height={84} mb={16} radius="md" />
      <Skeleton height={280} radius="md" />
    </div>
  );
}
