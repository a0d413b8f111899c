import { notifications } from '@mantine/notifications';
import { type QueryKey, useMutation, useQueryClient } from '@tanstack/react-query';
import { useProblemText } from './problem-notice';

/** Something a person does: says that it worked or why not, and reads again what it changed. */
export function useAction<Input, Output>(options: {
  act: (input: Input) => Promise<Output>;
  done?: (output: Output, input: Input) => string;
  stale: QueryKey[];
  onDone?: (output: Output) => void;
  /** Where the problem is told: in passing, or by the form itself. */
  problem?: 'notification' | 'form';
}) {
  const queries = useQueryClient();
  const describe = useProblemText();
  return useMutation({
    mutationFn: options.act,
    onSuccess: async (output, input) => {
      options.onDone?.(output);
      if (options.done) notifications.show({ message: options.done(output, input), color: 'green.8' });
      await Promise.all(options.stale.map((queryKey) => queries.invalidateQueries({ queryKey })));
    },
    onError: (error) => {
      if (options.problem === 'form') return;
      const { title, detail } = describe(error);
      notifications.show({ title, message: detail, color: 'red.8', autoClose: 10_000 });
    },
  });
}
