/**
 * The subset of Markdown that answers use, turned into DOM nodes: paragraphs, line breaks, lists,
 * headings (shown as bold lines), code, bold, italics, links and citation marks `[n]`. Text only
 * ever becomes text nodes; there is no way from an answer to markup of its own.
 */

export interface MarkdownOptions {
  /** Makes the element for a citation mark, or null when `n` is no citation of this message. */
  citation?: (n: number) => Node | null;
}

const listItem = /^\s{0,3}(?:([-*•])|(\d{1,3})[.)])\s+(.*)$/;
const fence = /^\s{0,3}```/;
const heading = /^\s{0,3}#{1,6}\s+(.*)$/;
const quote = /^\s{0,3}>\s?(.*)$/;

export function renderMarkdown(source: string, options: MarkdownOptions = {}): DocumentFragment {
  const out = document.createDocumentFragment();
  const lines = source.replace(/\r\n?/g, '\n').split('\n');
  let at = 0;
  while (at < lines.length) {
    const line = lines[at] as string;
    if (!line.trim()) at += 1;
    else if (fence.test(line)) at = codeBlock(lines, at, out);
    else if (listItem.test(line)) at = list(lines, at, out, options);
    else if (quote.test(line)) at = quoted(lines, at, out, options);
    else if (heading.test(line)) {
      const title = document.createElement('p');
      const strong = document.createElement('strong');
      inline((heading.exec(line) as RegExpExecArray)[1] ?? '', strong, options);
      title.append(strong);
      out.append(title);
      at += 1;
    } else at = paragraph(lines, at, out, options);
  }
  return out;
}

function codeBlock(lines: string[], from: number, out: Node): number {
  let at = from + 1;
  const body: string[] = [];
  while (at < lines.length && !fence.test(lines[at] as string)) body.push(lines[at++] as string);
  const pre = document.createElement('pre');
  const code = document.createElement('code');
  code.textContent = body.join('\n');
  pre.tabIndex = 0;
  pre.append(code);
  out.appendChild(pre);
  return at + 1;
}

function list(lines: string[], from: number, out: Node, options: MarkdownOptions): number {
  const ordered = (listItem.exec(lines[from] as string) as RegExpExecArray)[2] !== undefined;
  const element = document.createElement(ordered ? 'ol' : 'ul');
  let at = from;
  while (at < lines.length) {
    const match = listItem.exec(lines[at] as string);
    if (!match || (match[2] !== undefined) !== ordered) break;
    if (ordered && at === from && element instanceof HTMLOListElement)
      element.start = Number(match[2]);
    let text = match[3] ?? '';
    at += 1;
    while (
      at < lines.length &&
      /^\s{2,}\S/.test(lines[at] as string) &&
      !listItem.test(lines[at] as string)
    )
      text += `\n${(lines[at++] as string).trim()}`;
    const item = document.createElement('li');
    inline(text, item, options);
    element.append(item);
  }
  out.appendChild(element);
  return at;
}

function quoted(lines: string[], from: number, out: Node, options: MarkdownOptions): number {
  let at = from;
  const body: string[] = [];
  while (at < lines.length && quote.test(lines[at] as string))
    body.push((quote.exec(lines[at++] as string) as RegExpExecArray)[1] ?? '');
  const element = document.createElement('blockquote');
  inline(body.join('\n'), element, options);
  out.appendChild(element);
  return at;
}

function paragraph(lines: string[], from: number, out: Node, options: MarkdownOptions): number {
  let at = from;
  const body: string[] = [];
  while (at < lines.length) {
    const line = lines[at] as string;
    const starts = fence.test(line) || listItem.test(line) || heading.test(line);
    if (!line.trim() || (at > from && starts)) break;
    body.push(line);
    at += 1;
  }
  const element = document.createElement('p');
  inline(body.join('\n'), element, options);
  out.appendChild(element);
  return at;
}

// In order of precedence: code, link, bold, italics, bare address, citation mark, line break.
const token =
  /(`+)([^`]+)\1|\[([^\]\n]{1,200})\]\(([^()\s]{1,2000})\)|\*\*([^*\n]+)\*\*|__([^_\n]+)__|\*([^*\s][^*\n]*)\*(?!\w)|_([^_\s][^_\n]*)_(?!\w)|(https?:\/\/[^\s<>"')\]]+[^\s<>"')\].,;:!?])|\[(\d{1,3})\]|\n/g;

function inline(text: string, into: Node, options: MarkdownOptions): void {
  let last = 0;
  for (const match of text.matchAll(token)) {
    const node = insideWord(match, text) ? null : piece(match, options);
    if (!node) continue;
    if (match.index > last)
      into.appendChild(document.createTextNode(text.slice(last, match.index)));
    into.appendChild(node);
    last = match.index + match[0].length;
  }
  if (last < text.length) into.appendChild(document.createTextNode(text.slice(last)));
}

/** `snake_case_name` and `2*3*4` hold no italics. */
function insideWord(match: RegExpMatchArray, text: string): boolean {
  if (match[7] === undefined && match[8] === undefined) return false;
  return (match.index ?? 0) > 0 && /[\w*]/.test(text.charAt((match.index ?? 0) - 1));
}

function piece(match: RegExpMatchArray, options: MarkdownOptions): Node | null {
  const [, , code, label, target, bold, bold2, italic, italic2, bare, mark] = match;
  if (code !== undefined) return withText('code', code);
  if (label !== undefined && target !== undefined) return link(label, target, options);
  if (bold ?? bold2) return strong((bold ?? bold2) as string, options);
  if (italic ?? italic2) return nested('em', (italic ?? italic2) as string, options);
  if (bare !== undefined) return link(bare, bare, options);
  if (mark !== undefined) return options.citation?.(Number(mark)) ?? null;
  return document.createElement('br');
}

/** A short number in bold, such as an order's, is not cut at its hyphen. */
function strong(text: string, options: MarkdownOptions): HTMLElement {
  const element = nested('strong', text, options);
  if (/^\S{1,24}$/.test(text)) element.style.whiteSpace = 'nowrap';
  return element;
}

function withText(tag: string, text: string): HTMLElement {
  const element = document.createElement(tag);
  element.textContent = text;
  return element;
}

function nested(tag: string, text: string, options: MarkdownOptions): HTMLElement {
  const element = document.createElement(tag);
  inline(text, element, options);
  return element;
}

/** Only these schemes become links; anything else stays the text that it was. */
export function safeAddress(target: string): string | null {
  try {
    const url = new URL(target);
    return ['https:', 'http:', 'mailto:', 'tel:'].includes(url.protocol) ? url.href : null;
  } catch {
    return null;
  }
}

function link(label: string, target: string, options: MarkdownOptions): Node {
  const address = safeAddress(target);
  if (!address) return document.createTextNode(label === target ? label : `${label} (${target})`);
  const anchor = document.createElement('a');
  anchor.href = address;
  anchor.target = '_blank';
  anchor.rel = 'noopener noreferrer nofollow';
  if (label === target) anchor.textContent = label;
  else inline(label, anchor, { ...options, citation: undefined });
  return anchor;
}
