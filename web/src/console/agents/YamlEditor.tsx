/** The YAML editor: CodeMirror with the problems of the server in its gutter. Loaded when needed. */
import { autocompletion, closeBrackets, type CompletionContext } from '@codemirror/autocomplete';
import { defaultKeymap, history, historyKeymap, indentWithTab } from '@codemirror/commands';
import { yaml } from '@codemirror/lang-yaml';
import {
  bracketMatching,
  foldGutter,
  foldKeymap,
  indentOnInput,
  indentUnit,
} from '@codemirror/language';
import { lintGutter, lintKeymap, setDiagnostics, type Diagnostic } from '@codemirror/lint';
import { highlightSelectionMatches, search, searchKeymap } from '@codemirror/search';
import { Compartment, EditorState, type Text } from '@codemirror/state';
import {
  drawSelection,
  EditorView,
  highlightActiveLine,
  highlightActiveLineGutter,
  keymap,
  lineNumbers,
} from '@codemirror/view';
import { forwardRef, useEffect, useImperativeHandle, useRef } from 'react';
import type { YamlProblem } from '../api/types';
import { editorLook } from './editorLook';
import { topLevelKeys } from './yamlKeys';

export interface YamlEditorHandle {
  goTo(line: number, column: number): void;
}

interface Props {
  value: string;
  onChange?: (value: string) => void;
  problems?: YamlProblem[];
  readOnly?: boolean;
  label: string;
  onSave?: () => void;
}

const YamlEditor = forwardRef<YamlEditorHandle, Props>(function YamlEditor(props, handle) {
  const host = useRef<HTMLDivElement>(null);
  const view = useRef<EditorView | null>(null);
  const newest = useRef(props);
  newest.current = props;
  const writable = useRef(new Compartment());

  useEffect(() => {
    const editor = new EditorView({
      parent: host.current as HTMLElement,
      state: EditorState.create({
        doc: newest.current.value,
        extensions: [
          lineNumbers(),
          foldGutter(),
          lintGutter(),
          highlightActiveLine(),
          highlightActiveLineGutter(),
          drawSelection(),
          history(),
          indentOnInput(),
          indentUnit.of('  '),
          bracketMatching(),
          closeBrackets(),
          highlightSelectionMatches(),
          search({ top: true }),
          autocompletion({ override: [completeKeys] }),
          yaml(),
          editorLook,
          writable.current.of(EditorState.readOnly.of(newest.current.readOnly ?? false)),
          EditorView.contentAttributes.of({ 'aria-label': newest.current.label, tabindex: '0' }),
          EditorView.updateListener.of((update) => {
            if (update.docChanged) newest.current.onChange?.(update.state.doc.toString());
          }),
          keymap.of([
            { key: 'Mod-s', preventDefault: true, run: () => (newest.current.onSave?.(), true) },
            // Tab indents; Escape first lets Tab leave the editor (WCAG 2.1.2).
            ...defaultKeymap,
            ...historyKeymap,
            ...searchKeymap,
            ...foldKeymap,
            ...lintKeymap,
            indentWithTab,
          ]),
        ],
      }),
    });
    view.current = editor;
    return () => editor.destroy();
  }, []);

  useEffect(() => {
    const editor = view.current;
    if (!editor || editor.state.doc.toString() === props.value) return;
    editor.dispatch({ changes: { from: 0, to: editor.state.doc.length, insert: props.value } });
  }, [props.value]);

  useEffect(() => {
    view.current?.dispatch({
      effects: writable.current.reconfigure(EditorState.readOnly.of(props.readOnly ?? false)),
    });
  }, [props.readOnly]);

  useEffect(() => {
    const editor = view.current;
    if (!editor) return;
    const marks = (props.problems ?? []).map((problem) => toDiagnostic(editor.state.doc, problem));
    editor.dispatch(
      setDiagnostics(
        editor.state,
        marks.sort((a, b) => a.from - b.from),
      ),
    );
  }, [props.problems]);

  useImperativeHandle(handle, () => ({
    goTo(line, column) {
      const editor = view.current;
      if (!editor) return;
      const at = positionOf(editor.state.doc, line, column);
      editor.dispatch({
        selection: { anchor: at },
        effects: EditorView.scrollIntoView(at, { y: 'center' }),
      });
      editor.focus();
    },
  }));

  return <div ref={host} style={{ height: '100%', minHeight: 0 }} />;
});

export default YamlEditor;

function positionOf(doc: Text, line: number, column: number): number {
  const at = doc.line(Math.max(1, Math.min(doc.lines, line || 1)));
  return Math.min(at.to, at.from + Math.max(0, (column || 1) - 1));
}

/** Underlines from the named column to the end of the word, or the line when there is none. */
function toDiagnostic(doc: Text, problem: YamlProblem): Diagnostic {
  const from = positionOf(doc, problem.line, problem.column);
  const line = doc.lineAt(from);
  const word = /^[^\s,\]}:#]+/.exec(doc.sliceString(from, line.to))?.[0].length ?? 0;
  const to = word ? from + word : Math.max(from, line.to);
  return {
    from,
    to,
    severity:
      problem.severity === 'warning' ? 'warning' : problem.severity === 'info' ? 'info' : 'error',
    message: problem.message,
    source: problem.path,
  };
}

function completeKeys(context: CompletionContext) {
  const before = context.matchBefore(/^[a-z_]*$/);
  if (!before || (before.from === before.to && !context.explicit)) return null;
  return { from: before.from, options: topLevelKeys };
}
