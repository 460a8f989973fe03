/**
 * widget.js: <script src="https://rapport.example/widget.js" data-agent="org/agent" async></script>
 * Optional: data-theme="light|dark", data-title, data-contact-name, data-contact-email,
 * data-contact-identity.
 */
import { defineChat } from './chat-element';

function mount(): void {
  const script =
    (document.currentScript as HTMLScriptElement | null) ??
    document.querySelector<HTMLScriptElement>('script[src*="widget.js"][data-agent]');
  const agent = script?.dataset.agent;
  if (!script || !agent || !/^[\w-]+\/[\w-]+$/.test(agent)) {
    console.error('Rapport: the script needs data-agent="org/agent".');
    return;
  }
  defineChat();
  const { theme, title, contactName, contactEmail, contactIdentity } = script.dataset;
  const chat = document.createElement('rapport-chat');
  const attributes = {
    agent,
    theme,
    title,
    mode: 'bubble',
    base: new URL(script.src).origin,
    'contact-name': contactName,
    'contact-email': contactEmail,
    'contact-identity': contactIdentity,
  };
  for (const [name, value] of Object.entries(attributes)) if (value) chat.setAttribute(name, value);
  const add = () => document.body.append(chat);
  if (document.body) add();
  else addEventListener('DOMContentLoaded', add, { once: true });
}

mount();
