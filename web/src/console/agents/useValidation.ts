/** What the server thinks of a YAML text, asked a moment after the last key stroke. */
import { useEffect, useState } from 'react';
import { validateAgent } from '../api/queries';
import type { YamlProblem } from '../api/types';

const pauseMs = 350;

export interface Validation {
  problems: YamlProblem[];
  state: 'checking' | 'done' | 'unreachable';
}

export function useValidation(yaml: string | null): Validation {
  const [validation, setValidation] = useState<Validation>({ problems: [], state: 'checking' });
  useEffect(() => {
    if (yaml === null) return undefined;
    const abort = new AbortController();
    setValidation((now) => ({ ...now, state: 'checking' }));
    const timer = setTimeout(() => {
      validateAgent(yaml, abort.signal).then(
        (answer) => setValidation({ problems: answer.errors ?? [], state: 'done' }),
        () => {
          if (!abort.signal.aborted) setValidation((now) => ({ ...now, state: 'unreachable' }));
        },
      );
    }, pauseMs);
    return () => {
      clearTimeout(timer);
      abort.abort();
    };
  }, [yaml]);
  return validation;
}
