/** The copilot: a question, the plan made for it, each tool as it runs, and what came of it. */
import { Button, Drawer, Textarea } from '@mantine/core';
import { useMediaQuery } from '@mantine/hooks';
import { useCallback, useEffect, useRef, useState } from 'react';
import * as icons from '../../icons';
import { useOverview } from '../api/accounts';
import { readBrief, useSuggestions } from '../api/briefs';
import { Problem } from '../api/http';
import { quickTasks } from '../accounts/tasks';
import { complain } from '../conversations/ConversationView';
import { useAddress } from '../parts/address';
import { Icon } from '../parts/Icon';
import { useTitle } from '../parts/parts';
import { useSession } from '../shell/session';
import { AnswerLanguage, useAnswerLanguage } from './AnswerLanguage';
import { AskSide } from './AskSide';
import css from './success.module.css';
import { TaskView } from './TaskView';
import { useAsk, type Task } from './useAsk';

const longestQuestion = 2000;

export default function AskPage() {
  useTitle('Ask');
  const address = useAddress();
  const asking = useAsk();
  const [account, setAccount] = useRememberedAccount();
  const overview = useOverview(account);
  const wide = useMediaQuery('(min-width: 1101px)', true, { getInitialValueInEffect: false });
  const [language, setLanguage] = useAnswerLanguage();
  const [sideOpen, setSideOpen] = useState(false);
  const [text, setText] = useState('');
  const input = useRef<HTMLTextAreaElement>(null);
  const gone = overview.error instanceof Problem && overview.error.status === 404;
  useEffect(() => {
    if (gone) setAccount(null);
  }, [gone, setAccount]);

  const submit = (question: string) => {
    const said = question.trim();
    if (!said) return;
    asking.ask(said, account, language);
    setText('');
  };

  // A link may name what to ask about the account: it is asked once, and then taken out of the address.
  const task = address.read('task');
  const name = overview.data?.account.name;
  const { write } = address;
  const asked = useRef<string | null>(null);
  const { ask } = asking;
  useEffect(() => {
    const quick = quickTasks.find((row) => row.task === task);
    if (!task || !name) return;
    write({ task: null });
    if (!quick || asked.current === `${name} ${task}`) return;
    asked.current = `${name} ${task}`;
    ask(quick.ask(name), account, language);
  }, [task, name, account, language, ask, write]);

  // An account that was only named in the question is chosen from then on. The whole answer may
  // come at once, so that nothing is running any more when its plan is seen.
  const last = asking.tasks[asking.tasks.length - 1];
  const named = last?.plan?.account?.slug;
  const lastKey = last?.key ?? null;
  const chosenBy = useRef<string | null>(null);
  useEffect(() => {
    if (!named || chosenBy.current === lastKey) return;
    chosenBy.current = lastKey;
    if (!account) setAccount(named);
  }, [named, lastKey, account, setAccount]);

  const brief = address.read('brief');
  const { show } = asking;
  useEffect(() => {
    if (!brief) return;
    let current = true;
    readBrief(brief).then(
      (read) => current && show(read),
      (error: unknown) => current && complain('The brief could not be read', error),
    );
    return () => {
      current = false;
    };
  }, [brief, show]);

  const side = (
    <AskSide
      account={account}
      overview={overview.data}
      onAccount={setAccount}
      onPrompt={(prompt) => {
        setText(prompt);
        setSideOpen(false);
        // After the drawer, which gives the focus back to its button.
        setTimeout(() => input.current?.focus(), 0);
      }}
      onBrief={(id) => {
        setSideOpen(false);
        if (id === brief) readBrief(id).then(show, () => undefined);
        else write({ brief: id });
      }}
    />
  );

  return (
    <div className={css.page}>
      <div className={css.centre}>
        <header className={css.top}>
          <h1>Ask</h1>
          <AnswerLanguage language={language} onLanguage={setLanguage} />
          {!wide && (
            <Button
              size="xs"
              variant="default"
              className={css.chosen ?? ''}
              leftSection={<Icon path={icons.briefcase} size={15} />}
              onClick={() => setSideOpen(true)}
            >
              <span>{name ?? 'All accounts'}</span>
            </Button>
          )}
        </header>
        <Thread asking={asking} onAsk={submit} />
        <Said task={last} />
        <form
          className={css.composer}
          onSubmit={(event) => {
            event.preventDefault();
            submit(text);
          }}
        >
          <Textarea
            ref={input}
            aria-label="Question"
            placeholder={name ? `Ask about ${name}` : 'Ask about an account, or about all of them'}
            autosize
            minRows={1}
            maxRows={6}
            maxLength={longestQuestion}
            value={text}
            onChange={(event) => setText(event.currentTarget.value)}
            onKeyDown={(event) => {
              if (event.key !== 'Enter' || event.shiftKey || event.nativeEvent.isComposing) return;
              event.preventDefault();
              submit(text);
            }}
          />
          {asking.running && !text.trim() ? (
            <Button
              variant="default"
              leftSection={<Icon path={icons.stop} size={16} />}
              onClick={asking.stop}
            >
              Stop
            </Button>
          ) : (
            <Button
              type="submit"
              disabled={!text.trim()}
              leftSection={<Icon path={icons.send} size={16} />}
            >
              Ask
            </Button>
          )}
        </form>
      </div>
      {wide ? (
        <aside className={css.side} aria-label="Account and earlier questions">
          {side}
        </aside>
      ) : (
        <Drawer opened={sideOpen} onClose={() => setSideOpen(false)} title="Account" size="sm">
          <div className={css.drawer}>{side}</div>
        </Drawer>
      )}
    </div>
  );
}

/** The account of the address, or else the one that was looked at last. */
function useRememberedAccount(): [string | null, (slug: string | null) => void] {
  const { read, write } = useAddress();
  const { org } = useSession();
  const key = `rapport-account-${org.id}`;
  const account = read('account');
  useEffect(() => {
    try {
      if (account) localStorage.setItem(key, account);
      else {
        const kept = localStorage.getItem(key);
        if (kept) write({ account: kept });
      }
    } catch {
      // Without storage the account is only that of the address.
    }
  }, [account, key, write]);
  const set = useCallback(
    (slug: string | null) => {
      try {
        if (!slug) localStorage.removeItem(key);
      } catch {
        // As above.
      }
      write({ account: slug, brief: null });
    },
    [key, write],
  );
  return [account, set];
}

function Thread({
  asking,
  onAsk,
}: {
  asking: ReturnType<typeof useAsk>;
  onAsk: (question: string) => void;
}) {
  const suggestions = useSuggestions();
  const end = useRef<HTMLDivElement>(null);
  const newest = asking.tasks[asking.tasks.length - 1]?.key;
  useEffect(() => {
    if (newest)
      end.current
        ?.querySelector(`[data-task="${CSS.escape(newest)}"]`)
        ?.scrollIntoView({ block: 'start' });
  }, [newest]);
  return (
    <div className={css.thread} ref={end} tabIndex={-1}>
      {asking.tasks.length === 0 ? (
        <div className={css.welcome}>
          <span aria-hidden="true">
            <Icon path={icons.compass} size={26} />
          </span>
          <h2>What do you want to know?</h2>
          <p>
            A renewal brief, the health of an account, an e‑mail to write, or which accounts need
            you first. Every number comes from your data and leads back to it.
          </p>
          <ul>
            {suggestions.data?.map(({ title, question }) => (
              <li key={question}>
                <button type="button" onClick={() => onAsk(question)}>
                  <span>
                    <em>{title}</em>
                    {question}
                  </span>
                  <Icon path={icons.send} size={15} />
                </button>
              </li>
            ))}
          </ul>
        </div>
      ) : (
        asking.tasks.map((task) => <TaskView key={task.key} task={task} asking={asking} />)
      )}
    </div>
  );
}

/** Tells a screen reader how far the answer is, in few words. */
function Said({ task }: { task: Task | undefined }) {
  const words =
    !task?.live || !task
      ? ''
      : task.state === 'running'
        ? task.plan
          ? `Plan of ${task.plan.steps.length} steps is running`
          : 'Working'
        : task.state === 'done'
          ? `Answer: ${task.brief.summary ?? ''}`
          : task.state;
  return (
    <p className={css.hidden} role="status" aria-live="polite">
      {words}
    </p>
  );
}
