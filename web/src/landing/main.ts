/** The start page: on a demo installation a guided two minutes, otherwise the way to sign in. */
import '../tokens.css';
import './landing.css';
import * as icons from '../icons';
import { defineChat } from '../widget/chat-element';
import { h, icon } from '../widget/dom';

interface SignIn {
  name: string;
  email: string;
  password: string;
  role: string;
}
interface Demo {
  demo: boolean;
  org: { name: string; slug: string; agent: string };
  sign_ins: SignIn[];
  visitor: { name: string; email: string; identity?: string };
}

const root = document.getElementById('root') as HTMLElement;

function logo(): HTMLElement {
  return h(
    'a',
    { href: '/', class: 'logo' },
    h('img', { src: '/favicon.svg', alt: '', width: 26, height: 26 }),
    'Rapport',
  );
}

function header(): HTMLElement {
  return h(
    'header',
    {},
    logo(),
    h(
      'nav',
      { 'aria-label': 'Pages' },
      h('a', { href: '/reference.html' }, 'API reference'),
      h('a', { href: '/console/', class: 'solid' }, 'Open the console'),
    ),
  );
}

async function signIn(
  member: SignIn,
  org: string,
  button: HTMLButtonElement,
  said: HTMLElement,
): Promise<void> {
  button.disabled = true;
  said.textContent = '';
  try {
    const response = await fetch('/api/v1/auth/login', {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({
        email: member.email,
        password: member.password,
        org,
        session: 'cookie',
      }),
    });
    if (!response.ok) {
      const problem = (await response.json().catch(() => null)) as { detail?: string } | null;
      throw new Error(problem?.detail ?? 'Signing in did not work.');
    }
    localStorage.setItem('rapport-signed-in', '1');
    sessionStorage.removeItem('rapport-session'); // of whoever was signed in here before
    location.href = '/console/conversations';
  } catch (error) {
    said.textContent = error instanceof Error ? error.message : 'Signing in did not work.';
    button.disabled = false;
  }
}

const duties: Record<string, string> = {
  support: 'answers customers',
  supervisor: 'leads the team',
  engineer: 'builds the agents',
  admin: 'runs the workspace',
  success: 'looks after accounts',
  sales: 'talks to prospects',
  onboarding: 'brings customers on board',
};

function memberCard(member: SignIn, org: string): HTMLElement {
  const said = h('p', { role: 'alert', class: 'bad' });
  const button = h(
    'button',
    { type: 'button' },
    `Sign in as ${member.name.split(' ')[0]}`,
    icon(icons.chevronRight, 16),
  );
  button.addEventListener('click', () => void signIn(member, org, button, said));
  return h(
    'li',
    {},
    h(
      'span',
      { class: 'face', 'aria-hidden': 'true' },
      member.name
        .split(' ')
        .map((w) => w[0])
        .join(''),
    ),
    h(
      'div',
      { class: 'name' },
      h('strong', {}, member.name),
      h('span', {}, `${capital(member.role)}, ${duties[member.role] ?? 'works here'}`),
    ),
    h(
      'dl',
      {},
      h('dt', {}, 'E-mail'),
      h('dd', {}, member.email),
      h('dt', {}, 'Password'),
      h('dd', {}, member.password),
    ),
    button,
    said,
  );
}

function capital(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1).replace(/_/g, ' ');
}

function step(n: number, title: string, text: string): HTMLElement {
  return h(
    'li',
    {},
    h('span', { class: 'n', 'aria-hidden': 'true' }, String(n)),
    h('div', {}, h('h3', {}, title), h('p', {}, text)),
  );
}

/** What the tour beside the chat says, ready to be pressed. */
const tourQuestions = [
  'Show me my recent orders',
  'I want to cancel my order',
  'How many days do I have to return a scanner?',
  'I would like to talk to a person',
];

function demoPage(demo: Demo): HTMLElement {
  const visitor = demo.visitor.name.split(' ')[0] ?? 'A customer';
  const support = demo.sign_ins.find((m) => m.role === 'support') ?? demo.sign_ins[0];
  const helper = support?.name.split(' ')[0] ?? 'a colleague';
  defineChat();
  const chat = document.createElement('rapport-chat');
  const attributes = {
    agent: `${demo.org.slug}/${demo.org.agent}`,
    mode: 'inline',
    suggestions: tourQuestions.join('\n'),
    'contact-name': demo.visitor.name,
    'contact-email': demo.visitor.email,
    'contact-identity': demo.visitor.identity ?? '',
  };
  for (const [name, value] of Object.entries(attributes)) chat.setAttribute(name, value);
  return h(
    'main',
    {},
    h(
      'section',
      { class: 'hero' },
      h(
        'div',
        { class: 'pitch' },
        h('h1', {}, 'Customers write. Your agent answers. People stay in charge.'),
        h(
          'p',
          { class: 'lead' },
          'Rapport is one self-hosted program on which a company runs its relations with its customers. ' +
            'AI agents answer in chat, act on real records and name their sources, and a person takes over the moment one should. ' +
            'Every step is kept: each tool call, passage, token and cent can be looked at afterwards.',
        ),
      ),
      h(
        'div',
        { class: 'tour' },
        h('h2', { id: 'tour' }, 'Try it in two minutes'),
        h(
          'ol',
          { class: 'steps', 'aria-labelledby': 'tour' },
          step(
            1,
            'Ask about an order',
            `In this chat you are ${visitor}, a customer of ${demo.org.name}. Ask for your recent orders, then cancel one that is still being prepared: the agent asks for what is missing and for your yes.`,
          ),
          step(
            2,
            'Ask about a return',
            'How many days do you have? The answer comes from the help centre; open its numbered source to read the passage.',
          ),
          step(
            3,
            'Ask for a person',
            `Then sign in below as ${helper}: the conversation is at the top of the list. Take it over, answer, hand it back.`,
          ),
          step(
            4,
            'Look inside',
            'In the console open “Runs” next to the conversation: every step, with arguments, results, time and cost.',
          ),
        ),
      ),
      h(
        'div',
        { class: 'chat' },
        chat,
        h(
          'p',
          { class: 'below' },
          'The same chat ',
          h('a', { href: `/chat/${demo.org.slug}/${demo.org.agent}` }, 'as a page of its own'),
          '.',
        ),
      ),
    ),
    peopleSection(demo),
  );
}

const shownFirst = ['support', 'supervisor', 'engineer', 'admin', 'success', 'sales'];

/** One person of each role at once, the others on request. */
function peopleSection(demo: Demo): HTMLElement {
  const first = shownFirst.flatMap((role) => demo.sign_ins.find((m) => m.role === role) ?? []);
  const others = demo.sign_ins.filter((member) => !first.includes(member));
  const list = h('ul', {}, ...first.map((member) => memberCard(member, demo.org.slug)));
  const more = h('button', { type: 'button', class: 'more' }, `Show ${others.length} more`);
  more.addEventListener('click', () => {
    const cards = others.map((member) => memberCard(member, demo.org.slug));
    list.append(...cards);
    more.remove();
    cards[0]?.querySelector('button')?.focus();
  });
  return h(
    'section',
    { class: 'members', 'aria-labelledby': 'members' },
    h('h2', { id: 'members' }, `The people of ${demo.org.name}`),
    h(
      'p',
      {},
      'A demo workspace with invented people and companies. Open the console in a second window and watch both sides.',
    ),
    list,
    others.length > 0 && more,
  );
}

function plainPage(): HTMLElement {
  return h(
    'main',
    { class: 'plain' },
    h('h1', {}, 'Rapport is running'),
    h(
      'p',
      {},
      'Sign in to the console to see conversations and to set up agents. The chat of an agent is at /chat/company/agent.',
    ),
    h('p', {}, h('a', { href: '/console/', class: 'solid' }, 'Open the console')),
  );
}

async function start(): Promise<void> {
  let demo: Demo | null = null;
  try {
    const response = await fetch('/api/v1/demo');
    if (response.ok) demo = (await response.json()) as Demo;
  } catch {
    // Without an answer the plain page is the honest one.
  }
  if (demo?.demo) document.title = `Rapport · ${demo.org.name}`;
  root.append(
    header(),
    demo?.demo ? demoPage(demo) : plainPage(),
    h('footer', {}, 'Rapport is free software under the Apache License 2.0.'),
  );
}

void start();
