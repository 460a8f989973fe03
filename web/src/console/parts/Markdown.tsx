/** Text of a message, drawn by the same safe renderer as in the chat. */
import { useLayoutEffect, useRef } from 'react';
import { renderMarkdown } from '../../widget/markdown';
import css from './parts.module.css';

export function Markdown({ text, onCitation }: { text: string; onCitation?: (n: number) => void }) {
  const host = useRef<HTMLDivElement>(null);
  const newest = useRef(onCitation);
  newest.current = onCitation;
  const marks = onCitation !== undefined;
  useLayoutEffect(() => {
    const citation = (n: number): Node => {
      const mark = document.createElement('button');
      mark.type = 'button';
      mark.className = 'mark';
      mark.textContent = String(n);
      mark.setAttribute('aria-label', `Show source ${n}`);
      mark.addEventListener('click', () => newest.current?.(n));
      return mark;
    };
    host.current?.replaceChildren(renderMarkdown(text, marks ? { citation } : {}));
  }, [text, marks]);
  return <div ref={host} className={css.markdown} dir="auto" />;
}
