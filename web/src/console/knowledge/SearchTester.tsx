/** The search that agents use, by hand: passages with their scores, the words of the query marked. */
import { Button, SegmentedControl, TextInput } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { useState, type ReactNode } from 'react';
import * as icons from '../../icons';
import { searchKnowledge } from '../api/queries';
import { Icon } from '../parts/Icon';
import { Bones, Empty, ProblemNote } from '../parts/parts';
import { numberOf, plural } from '../parts/words';
import css from './knowledge.module.css';

export function SearchTester({ open }: { open: (id: string) => void }) {
  const [query, setQuery] = useState('');
  const [k, setK] = useState('5');
  const [asked, setAsked] = useState('');
  const search = useMutation({ mutationFn: searchKnowledge });
  const hits = search.data?.items;
  const best = Math.max(...(hits?.map((hit) => hit.score) ?? []), 0);
  return (
    <>
      <form
        className={css.searchBar}
        role="search"
        onSubmit={(event) => {
          event.preventDefault();
          if (!query.trim()) return;
          setAsked(query.trim());
          search.mutate({ query: query.trim(), k: Number(k) });
        }}
      >
        <TextInput
          aria-label="Question"
          placeholder="Ask as a customer would: how long do refunds take?"
          leftSection={<Icon path={icons.search} size={16} />}
          value={query}
          onChange={(event) => setQuery(event.currentTarget.value)}
        />
        <SegmentedControl
          aria-label="Number of passages"
          size="sm"
          value={k}
          onChange={setK}
          data={[
            { value: '5', label: '5' },
            { value: '10', label: '10' },
            { value: '20', label: '20' },
          ]}
        />
        <Button type="submit" loading={search.isPending}>
          Search
        </Button>
      </form>
      {search.isError && <ProblemNote error={search.error} />}
      {search.isPending && <Bones lines={9} />}
      {search.isIdle && (
        <Empty icon={icons.search} title="See what an agent would find">
          Passages come back in the order in which the agent reads them, with the score of each.
        </Empty>
      )}
      {hits?.length === 0 && (
        <Empty icon={icons.search} title="No passage fits">
          An agent would say that it is unsure and offer a person.
        </Empty>
      )}
      {!!hits?.length && (
        <ol className={css.hits} aria-label={plural(hits.length, 'passage')}>
          {hits.map((hit, i) => (
            <li key={`${hit.document_id}-${hit.chunk}-${i}`}>
              <div className={css.hitHead}>
                <button type="button" onClick={() => open(hit.document_id)}>
                  {hit.title}
                  {hit.heading && hit.heading !== hit.title && <span> › {hit.heading}</span>}
                </button>
                <span className={css.score}>
                  <i aria-hidden="true">
                    <b style={{ width: `${best > 0 ? (hit.score / best) * 100 : 0}%` }} />
                  </i>
                  {hit.score.toFixed(3)}
                </span>
              </div>
              <p>
                <Highlighted text={hit.text} query={asked} />
              </p>
              <em>
                Passage {hit.chunk + 1}, characters {numberOf(hit.start)}–{numberOf(hit.end)}
              </em>
            </li>
          ))}
        </ol>
      )}
    </>
  );
}

const shownCharacters = 900;

function Highlighted({ text, query }: { text: string; query: string }): ReactNode {
  const words = [...new Set(query.toLowerCase().match(/[\p{L}\p{N}]{3,}/gu) ?? [])];
  const shown = text.length > shownCharacters ? `${text.slice(0, shownCharacters)}…` : text;
  if (words.length === 0) return shown;
  const stems = words.map((word) => (word.length > 5 ? word.slice(0, word.length - 2) : word));
  const pattern = new RegExp(`((?<![\\p{L}\\p{N}])(?:${stems.join('|')})[\\p{L}\\p{N}]*)`, 'giu');
  return shown.split(pattern).map((piece, i) => (i % 2 ? <mark key={i}>{piece}</mark> : piece));
}
