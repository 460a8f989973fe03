/** One conversation: header with what can be done, transcript, composer, and the side panel. */
import { Button, Menu, Modal, Textarea } from '@mantine/core';
import { useHotkeys, useLocalStorage, useMediaQuery } from '@mantine/hooks';
import { notifications } from '@mantine/notifications';
import { useEffect, useRef, useState } from 'react';
import { Link, useParams, useSearchParams } from 'react-router-dom';
import * as icons from '../../icons';
import { Problem } from '../api/http';
import { useConversation, useConversationAct, useMessages, useRuns } from '../api/queries';
import type { Conversation } from '../api/types';
import { Icon } from '../parts/Icon';
import { Bones, Empty, Face, ProblemNote, useTitle } from '../parts/parts';
import { IconButton } from '../shell/Shell';
import { useSession } from '../shell/session';
import { Composer } from './Composer';
import css from './conversations.module.css';
import { isEnded, isHuman, isWaiting, Mood, OwnerTag, PriorityTag } from './marks';
import { markSeen } from './seen';
import { SidePanel } from './SidePanel';
import { Transcript } from './Transcript';
import { useDraft } from './useDraft';

export function NoConversation() {
  return (
    <div className={css.none}>
      <Empty icon={icons.chat} title="Choose a conversation">
        Press <kbd>j</kbd> and <kbd>k</kbd> to walk through the list.
      </Empty>
    </div>
  );
}

export function ConversationView() {
  const { id = '' } = useParams();
  const conversation = useConversation(id);
  const thread = useMessages(id);
  const { messages } = thread;
  const runs = useRuns(id);
  const last = messages?.[messages.length - 1];
  const { draft, typing } = useDraft(id, last?.seq ?? 0);
  const [panel, setPanel] = useLocalStorage({ key: 'rapport-side-panel', defaultValue: true });
  const narrow = useMediaQuery('(max-width: 1240px)', false, { getInitialValueInEffect: false });
  const [drawn, setDrawn] = useState(false);
  const input = useRef<HTMLTextAreaElement>(null);
  const act = useConversationAct(id);
  const { may } = useSession();
  const shown = narrow ? drawn : panel;
  useTitle(conversation.data?.contact?.name ?? 'Conversation');

  useEffect(() => {
    const seen = () => {
      if (last && document.visibilityState === 'visible') markSeen(id, last.created_at);
    };
    seen();
    document.addEventListener('visibilitychange', seen);
    return () => document.removeEventListener('visibilitychange', seen);
  }, [id, last]);
  useEffect(() => setDrawn(false), [id]);

  const takeOver = () =>
    act.mutate(
      { act: 'takeover' },
      {
        onSuccess: () => setTimeout(() => input.current?.focus(), 50),
        onError: (error) => complain('Taking over did not work', error),
      },
    );
  const togglePanel = () => (narrow ? setDrawn(!drawn) : setPanel(!panel));
  useHotkeys([
    [
      't',
      () => {
        const now = conversation.data;
        if (may('serve') && now && !isHuman(now) && !isEnded(now)) takeOver();
      },
    ],
    ['r', () => input.current?.focus()],
    ['i', togglePanel],
  ]);

  if (conversation.isError && !conversation.data)
    return (
      <div className={css.view}>
        <BackLink />
        <ProblemNote error={conversation.error} retry={() => void conversation.refetch()} />
      </div>
    );
  return (
    <div className={css.view} data-panel={shown || undefined}>
      <div className={css.middle}>
        {conversation.data ? (
          <Head
            conversation={conversation.data}
            takeOver={takeOver}
            busy={act.isPending}
            panel={shown}
            togglePanel={togglePanel}
          />
        ) : (
          <div className={css.head}>
            <BackLink />
          </div>
        )}
        {thread.isError && <ProblemNote error={thread.error} retry={() => void thread.refetch()} />}
        {conversation.data && messages ? (
          <Transcript
            conversation={conversation.data}
            messages={messages}
            readOlder={thread.readOlder}
            readingOlder={thread.readingOlder}
            runs={runs.data}
            draft={draft}
            typing={typing}
          />
        ) : (
          !thread.isError && (
            <div className={css.stage}>
              <Bones lines={10} height={18} />
            </div>
          )
        )}
        {conversation.data && (
          <Composer
            conversation={conversation.data}
            input={input}
            takeOver={takeOver}
            busy={act.isPending}
          />
        )}
      </div>
      {shown && conversation.data && (
        <SidePanel conversation={conversation.data} close={togglePanel} overlay={narrow === true} />
      )}
    </div>
  );
}

function BackLink() {
  const [params] = useSearchParams();
  return (
    <Link
      to={{ pathname: '/conversations', search: params.toString() }}
      className={css.back}
      aria-label="Back to the list"
    >
      <Icon path={icons.back} size={20} />
    </Link>
  );
}

interface HeadProps {
  conversation: Conversation;
  takeOver: () => void;
  busy: boolean;
  panel: boolean;
  togglePanel: () => void;
}

function Head({ conversation, takeOver, busy, panel, togglePanel }: HeadProps) {
  const { member, may } = useSession();
  const act = useConversationAct(conversation.id);
  const [closing, setClosing] = useState(false);
  const name = conversation.contact?.name || 'Visitor';
  const human = isHuman(conversation);
  const mine = human && conversation.assignee?.id === member.id;
  const over = isEnded(conversation) || !may('serve');
  const release = () =>
    act.mutate(
      { act: 'release' },
      { onError: (error) => complain('Handing back did not work', error) },
    );
  return (
    <header className={css.head}>
      <BackLink />
      <Face name={name} size={34} />
      <div className={css.headText}>
        <h2>{name}</h2>
        <p>
          <OwnerTag conversation={conversation} />
          <PriorityTag conversation={conversation} />
          <Mood sentiment={conversation.sentiment} quiet />
        </p>
      </div>
      <div className={css.headActs}>
        {!over && !human && (
          <Button
            size="xs"
            className={css.wideOnly ?? ''}
            onClick={takeOver}
            loading={busy}
            leftSection={<Icon path={icons.hand} size={15} />}
          >
            Take over
          </Button>
        )}
        {!over && human && (
          <Button
            size="xs"
            variant={mine ? 'filled' : 'default'}
            onClick={release}
            loading={act.isPending}
            leftSection={<Icon path={icons.release} size={15} />}
          >
            Hand back<span className={css.wide}>&nbsp;to {conversation.agent.name}</span>
          </Button>
        )}
        {!over && (
          <Menu position="bottom-end" width={210}>
            <Menu.Target>
              <Button size="xs" variant="default" px={8} aria-label="More actions">
                <Icon path={icons.more} size={18} />
              </Button>
            </Menu.Target>
            <Menu.Dropdown>
              {human && !mine && (
                <Menu.Item leftSection={<Icon path={icons.hand} size={16} />} onClick={takeOver}>
                  Take over from {conversation.assignee?.name.split(' ')[0] ?? 'colleague'}
                </Menu.Item>
              )}
              {isWaiting(conversation) && (
                <Menu.Item leftSection={<Icon path={icons.release} size={16} />} onClick={release}>
                  Hand back to {conversation.agent.name}
                </Menu.Item>
              )}
              <Menu.Item
                leftSection={<Icon path={icons.check} size={16} />}
                onClick={() => setClosing(true)}
              >
                Close conversation…
              </Menu.Item>
            </Menu.Dropdown>
          </Menu>
        )}
        <IconButton
          label={panel ? 'Hide side panel' : 'Show side panel'}
          icon={icons.panel}
          active={panel}
          onClick={togglePanel}
        />
      </div>
      <CloseDialog conversation={conversation} opened={closing} onClose={() => setClosing(false)} />
    </header>
  );
}

function CloseDialog({
  conversation,
  opened,
  onClose,
}: {
  conversation: Conversation;
  opened: boolean;
  onClose: () => void;
}) {
  const [reason, setReason] = useState('');
  const act = useConversationAct(conversation.id);
  return (
    <Modal opened={opened} onClose={onClose} title="Close this conversation?" size="sm">
      <form
        onSubmit={(event) => {
          event.preventDefault();
          act.mutate(
            { act: 'close', body: reason.trim() ? { reason: reason.trim() } : {} },
            { onSuccess: onClose, onError: (error) => complain('Closing did not work', error) },
          );
        }}
      >
        <Textarea
          label="How was it resolved?"
          description="For the team; the contact does not see it"
          autosize
          minRows={2}
          maxLength={500}
          value={reason}
          onChange={(event) => setReason(event.currentTarget.value)}
        />
        <div className={css.dialogActs}>
          <Button variant="default" onClick={onClose}>
            Cancel
          </Button>
          <Button type="submit" loading={act.isPending}>
            Close conversation
          </Button>
        </div>
      </form>
    </Modal>
  );
}

export function complain(title: string, error: unknown): void {
  const problem = error instanceof Problem ? error : null;
  const id = problem?.requestId ? ` (request ${problem.requestId})` : '';
  notifications.show({
    color: 'red',
    title,
    message: `${problem?.detail ?? 'Please try again.'}${id}`,
  });
}
