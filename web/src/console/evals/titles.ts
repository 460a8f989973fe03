import type { EvalTask } from '../api/evals';
import { plain } from '../parts/words';

/** What a task is called. */
export const titleOf = (tasks: EvalTask[], name: string): string =>
  tasks.find((task) => task.name === name)?.title ?? plain(name);
