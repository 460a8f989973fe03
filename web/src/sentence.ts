/** What the server says begins in lower case, as part of a longer line; alone it is a sentence. */
export function sentence(text: string): string {
  return /^[a-z]+[ ,']/.test(text) ? text.charAt(0).toUpperCase() + text.slice(1) : text;
}
