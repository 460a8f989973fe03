/** The small signs by which conversations are told apart at a glance. */
import * as icons from '../../icons';
import type { Conversation } from '../api/types';
import { Tag } from '../parts/parts';
import { moodOf, plain, reasonOf, statusOf } from '../parts/words';
import css from './conversations.module.css';

const ended = new Set(['completed', 'abandoned', 'failed']);
/** A person was asked for and none has come yet: nobody answers. */
export const isWaiting = (conversation: Conversation) =>
  conversation.status === 'escalated' && !conversation.assignee;
export const isHuman = (conversation: Conversation) =>
  conversation.owner === 'human' && !isWaiting(conversation);
export const isEnded = (conversation: Conversation) => ended.has(conversation.status);

export function OwnerTag({ conversation }: { conversation: Conversation }) {
  if (isEnded(conversation)) return <Tag>{statusOf(conversation.status)}</Tag>;
  if (isHuman(conversation))
    return (
      <Tag tone="human" icon={icons.person}>
        {conversation.assignee?.name.split(' ')[0] ?? 'Person'}
      </Tag>
    );
  if (conversation.escalation && isWaiting(conversation))
    return (
      <Tag tone="bad" icon={icons.hand} title={reasonOf(conversation.escalation.reason)}>
        {reasonOf(conversation.escalation.reason)}
      </Tag>
    );
  return (
    <Tag tone="accent" icon={icons.spark}>
      {conversation.agent.name}
    </Tag>
  );
}

export function PriorityTag({ conversation }: { conversation: Conversation }) {
  const priority = conversation.escalation?.priority;
  if (!priority || priority === 'normal' || isEnded(conversation)) return null;
  return <Tag tone={priority === 'low' ? 'plain' : 'bad'}>{plain(priority)}</Tag>;
}

export function Mood({ sentiment, quiet = false }: { sentiment: number | null; quiet?: boolean }) {
  const mood = moodOf(sentiment);
  if (!mood || (quiet && mood.tone === 'flat')) return null;
  return (
    <span className={css.mood} data-tone={mood.tone} title={`Sentiment ${sentiment?.toFixed(2)}`}>
      <i aria-hidden="true" />
      {mood.word}
    </span>
  );
}
