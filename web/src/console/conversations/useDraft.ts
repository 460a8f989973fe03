/** The answer that the agent is writing at this moment in one conversation, piece by piece. */
import { useEffect, useRef, useState } from 'react';
import { useLive, useLiveLine } from '../api/live';

export interface Draft {
  turn: string;
  text: string;
}

const typingShownMs = 5_000;

export function useDraft(
  conversationId: string,
  lastSeq: number,
): { draft: Draft | null; typing: boolean } {
  const line = useLiveLine();
  const [draft, setDraft] = useState<Draft | null>(null);
  const [typing, setTyping] = useState(false);
  const timer = useRef(0);

  useEffect(() => {
    setDraft(null);
    setTyping(false);
    line.watch(conversationId);
    return () => line.watch(null);
  }, [line, conversationId]);

  // The finished message replaces its pieces.
  useEffect(() => {
    setDraft(null);
    setTyping(false);
  }, [lastSeq]);

  useLive((frame) => {
    if (frame.type === 'event' || frame.type === 'back') return;
    if (frame.conversation_id && frame.conversation_id !== conversationId) return;
    if (frame.type === 'delta')
      setDraft((now) => ({
        turn: frame.turn,
        text: (now?.turn === frame.turn ? now.text : '') + frame.text,
      }));
    if (frame.type === 'retract') setDraft((now) => (now?.turn === frame.turn ? null : now));
    if (frame.type === 'typing' && frame.who === 'contact') {
      setTyping(true);
      clearTimeout(timer.current);
      timer.current = window.setTimeout(() => setTyping(false), typingShownMs);
    }
  });
  return { draft, typing };
}
