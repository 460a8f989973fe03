/** In which language answers are: that of the organisation, unless this member chose one here. */
import { Select } from '@mantine/core';
import { useState } from 'react';
import { languageOf, writtenLanguages } from '../parts/words';
import { useSession } from '../shell/session';

const choices = [
  { value: '', label: 'Usual language' },
  ...writtenLanguages.map((value) => ({ value, label: languageOf(value) })),
];

/** The choice, kept in this browser; empty: the usual one. */
export function useAnswerLanguage(): [string, (language: string) => void] {
  const key = `rapport-ask-language-${useSession().org.id}`;
  const [language, setLanguage] = useState(() => {
    try {
      const kept = localStorage.getItem(key) ?? '';
      return writtenLanguages.includes(kept) ? kept : '';
    } catch {
      return '';
    }
  });
  const set = (chosen: string) => {
    setLanguage(chosen);
    try {
      if (chosen) localStorage.setItem(key, chosen);
      else localStorage.removeItem(key);
    } catch {
      // Without storage it holds for this visit.
    }
  };
  return [language, set];
}

interface Props {
  language: string;
  onLanguage: (language: string) => void;
}

export function AnswerLanguage({ language, onLanguage }: Props) {
  return (
    <Select
      size="xs"
      w={150}
      aria-label="Language of answers"
      allowDeselect={false}
      data={choices}
      value={language}
      onChange={(chosen) => onLanguage(chosen ?? '')}
    />
  );
}
