/** /chat/{org}/{agent}: the chat as a page of its own. `#code=XXXX` continues by pairing code. */
import '../tokens.css';
import './chatpage.css';
import { defineChat } from '../widget/chat-element';
import { h } from '../widget/dom';

const path = /^\/chat\/([\w-]+)\/([\w-]+)\/?$/.exec(location.pathname);
const root = document.getElementById('root') as HTMLElement;

if (path) {
  defineChat();
  const chat = document.createElement('rapport-chat');
  const code = new URLSearchParams(location.hash.slice(1)).get('code');
  chat.setAttribute('agent', `${path[1]}/${path[2]}`);
  chat.setAttribute('mode', 'page');
  if (code) {
    chat.setAttribute('code', code);
    history.replaceState(null, '', location.pathname);
  }
  root.append(h('main', {}, h('h1', { class: 'sr' }, 'Chat'), chat));
} else {
  root.append(
    h(
      'main',
      { class: 'lost' },
      h('h1', {}, 'No such chat'),
      h('p', {}, 'The address of a chat looks like /chat/company/agent.'),
    ),
  );
}
