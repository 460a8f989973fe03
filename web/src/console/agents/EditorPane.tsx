/** Editor and list of problems together; used for a new agent and for the next version of one. */
import { lazy, Suspense, useRef, useState, type ReactNode } from 'react';
import * as icons from '../../icons';
import { Icon } from '../parts/Icon';
import { Bones } from '../parts/parts';
import { plural } from '../parts/words';
import css from './agents.module.css';
import type { Validation } from './useValidation';
import type { YamlEditorHandle } from './YamlEditor';

const YamlEditor = lazy(() => import('./YamlEditor'));

interface Props {
  value: string;
  onChange: (value: string) => void;
  validation: Validation;
  onSave: () => void;
  bar: ReactNode;
  readOnly?: boolean;
}

export function EditorPane({ value, onChange, validation, onSave, bar, readOnly = false }: Props) {
  const editor = useRef<YamlEditorHandle>(null);
  const [open, setOpen] = useState(true);
  const { problems, state } = validation;
  const errors = problems.filter((problem) => problem.severity === 'error').length;
  const summary =
    state === 'unreachable'
      ? 'Could not be checked: no connection'
      : state === 'checking' && problems.length === 0
        ? 'Checking…'
        : problems.length === 0
          ? 'No problems'
          : [
              errors && plural(errors, 'error'),
              problems.length - errors && plural(problems.length - errors, 'warning'),
            ]
              .filter(Boolean)
              .join(', ');
  return (
    <div className={css.pane}>
      <div className={css.editor}>
        <Suspense fallback={<Bones lines={14} />}>
          <YamlEditor
            ref={editor}
            value={value}
            onChange={onChange}
            problems={problems}
            readOnly={readOnly}
            onSave={onSave}
            label="Agent configuration in YAML"
          />
        </Suspense>
      </div>
      <section className={css.problems} aria-label="Problems">
        <div className={css.problemBar}>
          <button
            type="button"
            aria-expanded={open && problems.length > 0}
            disabled={problems.length === 0}
            onClick={() => setOpen(!open)}
            data-tone={errors ? 'bad' : problems.length ? 'warn' : 'good'}
          >
            <Icon
              path={problems.length ? icons.alert : state === 'done' ? icons.check : icons.clock}
              size={15}
            />
            <span role="status">{summary}</span>
          </button>
          {bar}
        </div>
        {open && problems.length > 0 && (
          <ul>
            {problems.map((problem, i) => (
              <li key={i}>
                <button
                  type="button"
                  onClick={() => editor.current?.goTo(problem.line, problem.column)}
                  data-tone={problem.severity === 'error' ? 'bad' : 'warn'}
                >
                  <span className={css.place}>
                    {problem.line}:{problem.column}
                  </span>
                  <span>{problem.message}</span>
                  {problem.path && <code>{problem.path}</code>}
                </button>
              </li>
            ))}
          </ul>
        )}
      </section>
    </div>
  );
}
