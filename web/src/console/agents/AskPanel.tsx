/** Asking a copilot: questions and answers of this visit, each with the run behind it. */
import { Button, Textarea } from '@mantine/core';
import { useRef, useState, type KeyboardEvent } from 'react';
import { Link } from 'react-router-dom';
import * as icons from '../../icons';
import { post } from '../api/http';
import type { Agent, Citation } from '../api/types';
import { Icon } from '../parts/Icon';
import { Markdown } from '../parts/Markdown';
import { Empty, Face, ProblemNote } from '../parts/parts';
import { useSession } from '../shell/session';
import css from './agents.module.css';

interface Asked {
  key: number;
  question: string;
  answer?: { text: string; citations?: Citation[] };
  runId?: string;
  error?: unknown;
}

interface CopilotAnswer {
  run_id: string;
  answer: { text?: string; citations?: Citation[] } | null;
}

const questionLimit = 4000;

export function AskPanel({ agent }: { agent: Agent }) {
  const { member } = useSession();
  const [asked, setAsked] = useState<Asked[]>([]);
  const [text, setText] = useState('');
  const end = useRef<HTMLDivElement>(null);
  const busy = asked.some((entry) => !entry.answer && !entry.error);

  async function ask() {
    const question = text.trim();
    if (!question || busy) return;
    const key = Date.now();
    setText('');
    setAsked((now) => [...now, { key, question }]);
    const settle = (change: Partial<Asked>) => {
      setAsked((now) => now.map((entry) => (entry.key === key ? { ...entry, ...change } : entry)));
      requestAnimationFrame(() => end.current?.scrollIntoView({ block: 'end' }));
    };
    try {
      const said = await post<CopilotAnswer>(`/agents/${agent.id}/ask`, { text: question });
      const words = said.answer?.text || 'There is no answer to this.';
      settle({
        answer: { text: words, citations: said.answer?.citations ?? [] },
        runId: said.run_id,
      });
    } catch (error) {
      settle({ error });
    }
  }

  function onKey(event: KeyboardEvent) {
    if (event.key !== 'Enter' || event.shiftKey || event.nativeEvent.isComposing) return;
    event.preventDefault();
    void ask();
  }

  return (
    <div className={css.ask}>
      <div
        className={css.asked}
        role="log"
        aria-live="polite"
        aria-label="Questions and answers"
        tabIndex={0}
      >
        {asked.length === 0 && (
          <Empty icon={icons.spark} title={`Ask ${agent.name}`}>
            A copilot works for the team: it looks through records and documents and prepares an
            answer.
          </Empty>
        )}
        {asked.map((entry) => (
          <article key={entry.key} className={css.exchange}>
            <p className={css.question}>
              <Face name={member.name} tone="human" size={26} />
              <strong>{entry.question}</strong>
            </p>
            {entry.error ? <ProblemNote error={entry.error} /> : null}
            {entry.answer && (
              <div className={css.answer}>
                <Markdown text={entry.answer.text} />
                {!!entry.answer.citations?.length && (
                  <ul aria-label="Sources">
                    {entry.answer.citations.map((citation) => (
                      <li key={citation.n}>
                        <b>{citation.n}</b> {citation.title}
                      </li>
                    ))}
                  </ul>
                )}
                {entry.runId && <Link to={`/runs/${entry.runId}`}>Show the run</Link>}
              </div>
            )}
            {!entry.answer && !entry.error && (
              <p className={css.thinking}>{agent.name} is working on it…</p>
            )}
          </article>
        ))}
        <div ref={end} />
      </div>
      <div className={css.askBox}>
        <Textarea
          autosize
          minRows={1}
          maxRows={6}
          maxLength={questionLimit}
          aria-label={`Question to ${agent.name}`}
          placeholder="Which accounts need attention this week?"
          value={text}
          onChange={(event) => setText(event.currentTarget.value)}
          onKeyDown={onKey}
        />
        <Button
          onClick={() => void ask()}
          loading={busy}
          disabled={!text.trim()}
          leftSection={<Icon path={icons.send} size={16} />}
        >
          Ask
        </Button>
      </div>
    </div>
  );
}
