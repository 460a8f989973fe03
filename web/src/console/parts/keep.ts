/** Gives the browser a file of the API to keep. */
import { getFile, type Options } from '../api/http';

const forgetMs = 60_000;

export async function keepFile(
  path: string,
  query: Options['query'],
  fallbackName: string,
): Promise<void> {
  const file = await getFile(path, query);
  const link = document.createElement('a');
  link.href = URL.createObjectURL(file.content);
  link.download = file.name ?? fallbackName;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), forgetMs);
}
