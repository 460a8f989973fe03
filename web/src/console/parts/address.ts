/** The state of a page that its address tells, so that a link to it shows the same. */
import { useCallback } from 'react';
import { useSearchParams } from 'react-router-dom';

export interface AddressState {
  read(name: string): string | null;
  /** Changes what is named; null and '' take a name out. `page: true` makes a step to go back to. */
  write(change: Record<string, string | null>, page?: boolean): void;
}

export function useAddress(): AddressState {
  const [parameters, set] = useSearchParams();
  const read = useCallback((name: string) => parameters.get(name), [parameters]);
  const write = useCallback(
    (change: Record<string, string | null>, page = false) =>
      set(
        (now) => {
          const next = new URLSearchParams(now);
          for (const [name, value] of Object.entries(change))
            if (value) next.set(name, value);
            else next.delete(name);
          return next;
        },
        { replace: !page },
      ),
    [set],
  );
  return { read, write };
}
