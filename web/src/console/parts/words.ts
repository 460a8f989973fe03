/** How values become words: times, durations, money, and the names of states. */

const time = new Intl.DateTimeFormat(undefined, { hour: 'numeric', minute: '2-digit' });
const exactTime = new Intl.DateTimeFormat(undefined, {
  hour: 'numeric',
  minute: '2-digit',
  second: '2-digit',
  fractionalSecondDigits: 3,
});
const day = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'short' });
const dayOfYear = new Intl.DateTimeFormat(undefined, {
  day: 'numeric',
  month: 'short',
  year: 'numeric',
});
const full = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'medium' });
const weekday = new Intl.DateTimeFormat(undefined, {
  weekday: 'long',
  day: 'numeric',
  month: 'long',
});
const number = new Intl.NumberFormat();

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const dayMs = 24 * hourMs;

export const timeOf = (ms: number) => time.format(ms);
export const exactTimeOf = (ms: number) => exactTime.format(ms);
export const fullTimeOf = (ms: number) => full.format(ms);
export const numberOf = (value: number) => number.format(value);

export function dateOf(ms: number): string {
  return new Date(ms).getFullYear() === new Date().getFullYear()
    ? day.format(ms)
    : dayOfYear.format(ms);
}

/** Short and relative, for lists: "now", "5 min", "3 h", "14 Nov". */
export function shortAgoOf(ms: number, now: number): string {
  const past = now - ms;
  if (past < 0) return dateOf(ms);
  if (past < minuteMs) return 'now';
  if (past < hourMs) return `${Math.floor(past / minuteMs)} min`;
  if (past < dayMs) return `${Math.floor(past / hourMs)} h`;
  if (past < 7 * dayMs) return `${Math.floor(past / dayMs)} d`;
  return dateOf(ms);
}

/** The same where there is room: "just now", "5 min ago", "14 Nov". */
export function agoOf(ms: number, now: number): string {
  const short = shortAgoOf(ms, now);
  if (short === 'now') return 'just now';
  return short === dateOf(ms) ? short : `${short} ago`;
}

export function dayOf(ms: number): string {
  const date = new Date(ms).toDateString();
  if (date === new Date().toDateString()) return 'Today';
  if (date === new Date(Date.now() - dayMs).toDateString()) return 'Yesterday';
  return weekday.format(ms);
}

export function durationOf(ms: number | null | undefined): string {
  if (ms === null || ms === undefined) return '–';
  if (ms < 1) return '< 1 ms';
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < minuteMs) return `${(ms / 1000).toFixed(ms < 10_000 ? 2 : 1)} s`;
  return `${Math.floor(ms / minuteMs)} min ${Math.round((ms % minuteMs) / 1000)} s`;
}

/** Costs are millionths of a cent, so that a single token has a price. */
export function costOf(microcents: number): string {
  if (!microcents) return '$0';
  const dollars = microcents / 100_000_000;
  return dollars < 0.01 ? `$${dollars.toFixed(5)}` : `$${dollars.toFixed(2)}`;
}

export function moneyOf(cents: number, currency: string): string {
  try {
    return new Intl.NumberFormat(undefined, { style: 'currency', currency }).format(cents / 100);
  } catch {
    return `${(cents / 100).toFixed(2)} ${currency}`;
  }
}

export function bytesOf(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`;
  if (bytes < 1_000_000) return `${(bytes / 1000).toFixed(1)} kB`;
  return `${(bytes / 1_000_000).toFixed(1)} MB`;
}

/** `user_requested` becomes "User requested". */
export function plain(word: string): string {
  const text = word.replace(/[_-]+/g, ' ').trim();
  return text.charAt(0).toUpperCase() + text.slice(1);
}

const reasons: Record<string, string> = {
  user_requested: 'Asked for a person',
  low_confidence: 'The agent is unsure',
  negative_sentiment: 'Unhappy contact',
  rule_based: 'A rule of the agent',
  sla_violation: 'Waited too long',
  ai_unavailable: 'The agent could not answer',
};
export const reasonOf = (reason: string) => reasons[reason] ?? plain(reason);

const channels: Record<string, string> = {
  webchat: 'Web chat',
  sms: 'SMS',
  whatsapp: 'WhatsApp',
  api: 'API',
};
export const channelOf = (channel: string) => channels[channel] ?? plain(channel);

const languages = new Intl.DisplayNames(undefined, { type: 'language', fallback: 'code' });
export function languageOf(code: string): string {
  try {
    return languages.of(code) ?? code;
  } catch {
    return code;
  }
}

/** What briefs, letters and their documents can be written in. */
export const writtenLanguages = ['en', 'de', 'nl', 'fr'];

const statuses: Record<string, string> = {
  active: 'Active',
  escalated: 'Waiting for a person',
  human: 'With a person',
  silent: 'Silent',
  completed: 'Closed',
  abandoned: 'Abandoned',
  failed: 'Failed',
};
export const statusOf = (status: string) => statuses[status] ?? plain(status);

export function moodOf(
  sentiment: number | null | undefined,
): { word: string; tone: 'bad' | 'flat' | 'good' } | null {
  if (sentiment === null || sentiment === undefined) return null;
  if (sentiment <= -0.3)
    return { word: sentiment <= -0.6 ? 'Very unhappy' : 'Unhappy', tone: 'bad' };
  if (sentiment >= 0.3) return { word: 'Happy', tone: 'good' };
  return { word: 'Neutral', tone: 'flat' };
}

export function initialsOf(name: string): string {
  const words = name.trim().split(/\s+/).filter(Boolean);
  const last = words.length > 1 ? (words[words.length - 1]?.[0] ?? '') : '';
  return ((words[0]?.[0] ?? '?') + last).toUpperCase();
}

export function nameOf(value: string | { name: string } | null | undefined): string {
  if (!value) return '–';
  return typeof value === 'string' ? value : value.name;
}

export function plural(count: number, one: string, many = `${one}s`): string {
  return `${number.format(count)} ${count === 1 ? one : many}`;
}
