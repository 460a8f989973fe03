import { Button, PasswordInput, TextInput, UnstyledButton } from '@mantine/core';
import { useEffect, useState, type FormEvent } from 'react';
import { Problem, signIn } from '../api/http';
import type { SignedIn } from '../api/types';
import { useTitle } from '../parts/parts';
import { plain } from '../parts/words';
import css from './shell.module.css';

interface DemoSignIn {
  name: string;
  email: string;
  password: string;
  role: string;
}

export function SignInPage({ onSignedIn }: { onSignedIn: (answer: SignedIn) => void }) {
  useTitle('Sign in');
  const [email, setEmail] = useState('');
  const [password, setPassword] = useState('');
  const [org, setOrg] = useState('');
  const [askOrg, setAskOrg] = useState(false);
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<string | null>(null);
  const [demo, setDemo] = useState<{ org: string; signIns: DemoSignIn[] } | null>(null);

  useEffect(() => {
    fetch('/api/v1/demo')
      .then((response) => (response.ok ? response.json() : null))
      .then((value: { org: { slug: string }; sign_ins: DemoSignIn[] } | null) => {
        if (value) setDemo({ org: value.org.slug, signIns: value.sign_ins });
      })
      .catch(() => undefined);
  }, []);

  async function submit(event: FormEvent) {
    event.preventDefault();
    await enter(email, password, org);
  }

  async function enter(asEmail: string, withPassword: string, inOrg: string) {
    setBusy(true);
    setProblem(null);
    try {
      onSignedIn(await signIn(asEmail.trim(), withPassword, inOrg.trim()));
    } catch (error) {
      setProblem(error instanceof Problem ? error.detail : 'Signing in did not work.');
      if (error instanceof Problem && error.body.field === 'org') setAskOrg(true);
      setBusy(false);
    }
  }

  return (
    <main className={css.signIn} data-demo={demo ? true : undefined}>
      <form className={css.card} onSubmit={(event) => void submit(event)}>
        <a href="/" className={css.brand}>
          <img src="/favicon.svg" alt="" width={28} height={28} />
          Rapport
        </a>
        <h1>Sign in to the console</h1>
        <TextInput
          label="E-mail address"
          type="email"
          autoComplete="username"
          value={email}
          onChange={(event) => setEmail(event.currentTarget.value)}
          required
          withAsterisk={false}
          data-autofocus
        />
        <PasswordInput
          label="Password"
          autoComplete="current-password"
          value={password}
          onChange={(event) => setPassword(event.currentTarget.value)}
          required
          withAsterisk={false}
        />
        {askOrg && (
          <TextInput
            label="Workspace"
            description="Its short name, for people who belong to several"
            value={org}
            onChange={(event) => setOrg(event.currentTarget.value)}
          />
        )}
        {problem && (
          <p className={css.bad} role="alert">
            {problem}
          </p>
        )}
        <Button type="submit" loading={busy} fullWidth>
          Sign in
        </Button>
        {!askOrg && (
          <UnstyledButton className={css.quiet} onClick={() => setAskOrg(true)}>
            I belong to several workspaces
          </UnstyledButton>
        )}
      </form>
      {demo && (
        <section className={css.demo} aria-labelledby="demo">
          <h2 id="demo">Demo sign-ins</h2>
          <ul>
            {demo.signIns.map((member) => (
              <li key={member.email}>
                <button
                  type="button"
                  disabled={busy}
                  onClick={() => void enter(member.email, member.password, demo.org)}
                >
                  <strong>{member.name}</strong>
                  <span>
                    {plain(member.role)} · {member.email}
                  </span>
                </button>
              </li>
            ))}
          </ul>
        </section>
      )}
    </main>
  );
}
