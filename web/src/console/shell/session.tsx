/** Who is signed in. Asks once at the start; below `SessionGate` there always is a member. */
import { Loader } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import {
  createContext,
  useCallback,
  useContext,
  useEffect,
  useMemo,
  useState,
  type ReactNode,
} from 'react';
import {
  currentSession,
  followOtherTabs,
  Problem,
  renew,
  signOut,
  wasSignedIn,
  whenSignedOut,
} from '../api/http';
import type { Member, Org, SignedIn } from '../api/types';
import { ProblemNote } from '../parts/parts';
import { SignInPage } from './SignInPage';

/** What a role opens, as the server sees it; pages do not offer what would be refused. */
const rights = {
  /** Answers contacts. */
  serve: ['admin', 'supervisor', 'support', 'sales', 'onboarding', 'success'],
  /** Changes accounts, one by one or by a file. */
  accounts: ['admin', 'supervisor', 'support', 'sales', 'onboarding', 'success'],
  removeAccounts: ['admin', 'supervisor', 'success'],
  /** Changes agents and knowledge. */
  build: ['admin', 'engineer', 'supervisor'],
  import: ['admin', 'engineer', 'supervisor', 'support'],
  operate: ['admin', 'engineer', 'supervisor', 'operator'],
  keys: ['admin', 'engineer', 'operator'],
  members: ['admin', 'operator'],
  audit: ['admin', 'operator'],
  evals: ['admin', 'supervisor', 'success', 'engineer'],
  /** Chooses the formula that scores. */
  formulas: ['admin', 'supervisor'],
  /** Programs that use the copilot's tools. */
  tools: ['admin', 'supervisor', 'engineer'],
} satisfies Record<string, string[]>;

export type Right = keyof typeof rights;

interface Session {
  member: Member;
  org: Org;
  may(right: Right): boolean;
  leave(): Promise<void>;
}

const SessionContext = createContext<Session | null>(null);

export function useSession(): Session {
  const session = useContext(SessionContext);
  if (!session) throw new Error('useSession outside of SessionGate');
  return session;
}

type Stage = 'asking' | 'out' | 'in' | 'unreachable';

export function SessionGate({ children }: { children: ReactNode }) {
  const [who, setWho] = useState<Pick<SignedIn, 'member' | 'org'> | null>(currentSession);
  const [stage, setStage] = useState<Stage>(who ? 'in' : wasSignedIn() ? 'asking' : 'out');
  const [error, setError] = useState<unknown>(null);
  const queries = useQueryClient();

  const enter = useCallback((answer: SignedIn) => {
    setWho({ member: answer.member, org: answer.org });
    setStage('in');
  }, []);

  const ask = useCallback(() => {
    setStage('asking');
    renew().then(
      (answer) => (answer ? enter(answer) : setStage('out')),
      (problem: unknown) => {
        setError(problem);
        setStage(problem instanceof Problem && problem.status === 401 ? 'out' : 'unreachable');
      },
    );
  }, [enter]);

  useEffect(() => {
    whenSignedOut(() => {
      queries.clear();
      setStage('out');
    });
    if (!currentSession() && wasSignedIn()) ask();
    return followOtherTabs();
  }, [ask, queries]);

  const session = useMemo<Session | null>(
    () =>
      who && {
        ...who,
        may: (right) => who.member.roles.some((role) => (rights[right] as string[]).includes(role)),
        async leave() {
          await signOut();
          queries.clear();
          setWho(null);
          setStage('out');
        },
      },
    [who, queries],
  );

  if (stage === 'asking')
    return (
      <div style={{ height: '100dvh', display: 'grid', placeItems: 'center' }}>
        <Loader size="sm" color="gray" aria-label="Signing in" />
      </div>
    );
  if (stage === 'unreachable')
    return (
      <div style={{ maxWidth: 480, margin: '20vh auto 0' }}>
        <ProblemNote error={error} retry={ask} />
      </div>
    );
  if (stage === 'out' || !session) return <SignInPage onSignedIn={enter} />;
  return <SessionContext.Provider value={session}>{children}</SessionContext.Provider>;
}
