/** CodeMirror in the colours of tokens.css, for the editor and the comparison. */
import { HighlightStyle, syntaxHighlighting } from '@codemirror/language';
import { EditorView } from '@codemirror/view';
import { tags } from '@lezer/highlight';

const theme = EditorView.theme({
  '&': { height: '100%', fontSize: '13px', backgroundColor: 'var(--surface)', color: 'var(--ink)' },
  '&.cm-focused': { outline: 'none' },
  '.cm-scroller': { fontFamily: 'var(--mono)', lineHeight: '1.6' },
  '.cm-content': { padding: '8px 0', caretColor: 'var(--ink)' },
  '.cm-cursor': { borderLeftColor: 'var(--ink)' },
  '.cm-gutters': { backgroundColor: 'var(--surface)', color: 'var(--ink3)', border: 'none' },
  '.cm-activeLine': { backgroundColor: 'color-mix(in srgb, var(--ink) 4%, transparent)' },
  '.cm-activeLineGutter': { backgroundColor: 'transparent', color: 'var(--ink)' },
  '.cm-selectionBackground, &.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground':
    {
      backgroundColor: 'color-mix(in srgb, var(--accent-ink) 26%, transparent)',
    },
  '.cm-selectionMatch': {
    backgroundColor: 'color-mix(in srgb, var(--accent-ink) 16%, transparent)',
  },
  '.cm-foldPlaceholder': {
    background: 'var(--sunk)',
    border: 'none',
    color: 'var(--ink2)',
    padding: '0 6px',
  },
  '.cm-tooltip': {
    backgroundColor: 'var(--surface)',
    color: 'var(--ink)',
    border: '1px solid var(--line-strong)',
    borderRadius: '8px',
    boxShadow: 'var(--shadow)',
    overflow: 'hidden',
    fontFamily: 'var(--font)',
  },
  '.cm-tooltip-autocomplete > ul > li[aria-selected]': {
    backgroundColor: 'var(--selected)',
    color: 'var(--ink)',
  },
  '.cm-completionDetail': { color: 'var(--ink2)', fontStyle: 'normal' },
  '.cm-diagnostic': { padding: '6px 10px', borderLeftWidth: '3px', fontSize: '13px' },
  '.cm-diagnosticSource': { color: 'var(--ink2)', opacity: 1 },
  // CodeMirror's own marks are data: images, which the Content-Security-Policy refuses.
  '.cm-lint-marker': {
    content: 'none',
    width: '8px',
    height: '8px',
    margin: '4px 3px 0',
    lineHeight: 0,
    borderRadius: '50%',
  },
  '.cm-lint-marker-error': { content: 'none', backgroundColor: 'var(--danger)' },
  '.cm-lint-marker-warning': { content: 'none', backgroundColor: 'var(--human)' },
  '.cm-lint-marker-info': { content: 'none', backgroundColor: 'var(--info)' },
  '.cm-lintRange': { backgroundImage: 'none !important', textUnderlineOffset: '3px' },
  '.cm-lintRange-error': { textDecoration: 'underline wavy var(--danger)' },
  '.cm-lintRange-warning': { textDecoration: 'underline wavy var(--human)' },
  '.cm-lintRange-info': { textDecoration: 'underline wavy var(--info)' },
  '.cm-panels': { backgroundColor: 'var(--sunk)', color: 'var(--ink)', borderColor: 'var(--line)' },
  '.cm-textfield': {
    backgroundColor: 'var(--surface)',
    border: '1px solid var(--line-strong)',
    borderRadius: '6px',
    font: '13px/1.4 var(--font)',
    padding: '4px 8px',
  },
  '.cm-button': {
    backgroundImage: 'none',
    backgroundColor: 'var(--surface)',
    border: '1px solid var(--line-strong)',
    borderRadius: '6px',
    font: '13px/1.4 var(--font)',
    padding: '4px 10px',
    textTransform: 'capitalize',
    cursor: 'pointer',
  },
  '.cm-searchMatch': { backgroundColor: 'var(--mark)' },
  '.cm-searchMatch.cm-searchMatch-selected': {
    backgroundColor: 'var(--mark)',
    outline: '1px solid var(--human)',
  },
  '.cm-button:active': { backgroundImage: 'none', backgroundColor: 'var(--hover)' },
  '.cm-panel.cm-search': { padding: '8px 36px 8px 12px', fontFamily: 'var(--font)' },
  '.cm-panel.cm-search input.cm-textfield': { width: '240px', margin: '2px 6px 2px 0' },
  '.cm-panel.cm-search label': {
    fontSize: '13px',
    margin: '0 10px 0 2px',
    '&:first-letter': { textTransform: 'uppercase' },
  },
  '.cm-panel.cm-search input[type=checkbox]': {
    verticalAlign: '-2px',
    accentColor: 'var(--accent)',
  },
  '.cm-panel.cm-search [name=close]': {
    top: '8px',
    right: '12px',
    width: '24px',
    height: '24px',
    fontSize: '18px',
    lineHeight: 1,
    color: 'var(--ink2)',
    cursor: 'pointer',
  },
  '.cm-changedLine, .cm-insertedLine': { backgroundColor: 'var(--good-soft) !important' },
  '.cm-deletedChunk, .cm-deletedLine': { backgroundColor: 'var(--danger-soft) !important' },
  '&.cm-merge-a .cm-changedLine': { backgroundColor: 'var(--danger-soft) !important' },
  '.cm-changedText': { background: 'color-mix(in srgb, var(--good) 28%, transparent) !important' },
  '&.cm-merge-a .cm-changedText, .cm-deletedChunk .cm-deletedText': {
    background: 'color-mix(in srgb, var(--danger) 28%, transparent) !important',
  },
  '.cm-changedText, .cm-changedText *, .cm-deletedText, .cm-deletedText *': { color: 'var(--ink)' },
  '.cm-collapsedLines': {
    color: 'var(--ink2)',
    background: 'var(--sunk) !important',
    fontFamily: 'var(--font)',
    fontSize: '12px',
    '&:before, &:after': { content: '"" !important' },
  },
});

const look = HighlightStyle.define([
  { tag: [tags.propertyName, tags.definition(tags.propertyName)], color: 'var(--accent-ink)' },
  { tag: [tags.string, tags.special(tags.string)], color: 'var(--ink)' },
  { tag: [tags.number, tags.bool, tags.null], color: 'var(--info)' },
  { tag: tags.comment, color: 'var(--ink3)', fontStyle: 'italic' },
  { tag: [tags.meta, tags.keyword, tags.labelName, tags.typeName], color: 'var(--human)' },
  { tag: [tags.punctuation, tags.separator, tags.squareBracket, tags.brace], color: 'var(--ink2)' },
  { tag: tags.invalid, color: 'var(--danger)' },
]);

export const editorLook = [theme, syntaxHighlighting(look)];
