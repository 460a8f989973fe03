/** Two texts compared, beside each other or in one column. Loaded when needed. */
import { yaml } from '@codemirror/lang-yaml';
import { MergeView, unifiedMergeView } from '@codemirror/merge';
import { EditorState } from '@codemirror/state';
import { EditorView, lineNumbers } from '@codemirror/view';
import { useEffect, useRef } from 'react';
import { editorLook } from './editorLook';

interface Props {
  before: string;
  after: string;
  sideBySide: boolean;
}

export default function DiffView({ before, after, sideBySide }: Props) {
  const host = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const parent = host.current as HTMLElement;
    const still = [
      lineNumbers(),
      yaml(),
      editorLook,
      EditorState.readOnly.of(true),
      EditorView.lineWrapping,
    ];
    const labelled = (label: string) =>
      EditorView.contentAttributes.of({ 'aria-label': label, tabindex: '0' });
    const collapseUnchanged = { margin: 3, minSize: 6 };
    const view = sideBySide
      ? new MergeView({
          parent,
          a: { doc: before, extensions: [...still, labelled('Earlier version')] },
          b: { doc: after, extensions: [...still, labelled('Later version')] },
          collapseUnchanged,
          gutter: false,
        })
      : new EditorView({
          parent,
          doc: after,
          extensions: [
            ...still,
            labelled('Changes'),
            unifiedMergeView({
              original: before,
              mergeControls: false,
              collapseUnchanged,
              gutter: false,
            }),
          ],
        });
    return () => view.destroy();
  }, [before, after, sideBySide]);
  return <div ref={host} style={{ minHeight: 0, overflow: 'auto', height: '100%' }} />;
}
