/** What the copilot is asked about one account most often: a word, a question, a place to ask it. */
import * as icons from '../../icons';

export interface QuickTask {
  task: string;
  label: string;
  icon: string;
  ask: (name: string) => string;
}
export const quickTasks: QuickTask[] = [
  {
    task: 'renewal',
    label: 'Renewal brief',
    icon: icons.book,
    ask: (name) => `Prepare a renewal brief for ${name}`,
  },
  {
    task: 'health',
    label: 'Health check',
    icon: icons.pulse,
    ask: (name) => `How healthy is ${name}?`,
  },
  {
    task: 'qbr',
    label: 'QBR outline',
    icon: icons.slides,
    ask: (name) => `Outline the quarterly business review for ${name}`,
  },
  {
    task: 'email',
    label: 'Check-in e-mail',
    icon: icons.mail,
    ask: (name) => `Draft a check-in e-mail to ${name}`,
  },
  {
    task: 'churn',
    label: 'Churn risk',
    icon: icons.alert,
    ask: (name) => `What is the churn risk of ${name}?`,
  },
];

const names: Record<string, string> = {
  overview: 'Overview',
  usage: 'Usage',
  tickets: 'Tickets',
  contract: 'Contract',
  portfolio: 'Portfolio',
};
export const taskName = (task: string): string =>
  quickTasks.find((t) => t.task === task)?.label ?? names[task] ?? task;

export function askAddress(slug: string, task?: string): string {
  return `/success?account=${encodeURIComponent(slug)}${task ? `&task=${task}` : ''}`;
}
