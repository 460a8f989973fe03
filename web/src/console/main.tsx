import '../tokens.css';
import './mantine.css';
import { localStorageColorSchemeManager, MantineProvider } from '@mantine/core';
import { Notifications } from '@mantine/notifications';
import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { lazy, StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { createBrowserRouter, Link, Navigate, RouterProvider } from 'react-router-dom';
import * as icons from '../icons';
import { Problem } from './api/http';
import { LiveProvider } from './api/live';
import { useLiveRefresh } from './api/queries';
import { ConversationsPage } from './conversations/ConversationsPage';
import { ConversationView, NoConversation } from './conversations/ConversationView';
import { Empty, NowProvider } from './parts/parts';
import { SessionGate } from './shell/session';
import { Shell } from './shell/Shell';
import { cssVariables, theme } from './theme';

const RunView = lazy(() => import('./conversations/RunView'));
const AgentsPage = lazy(() => import('./agents/AgentsPage'));
const AgentPage = lazy(() => import('./agents/AgentPage'));
const NewAgentPage = lazy(() => import('./agents/NewAgentPage'));
const AskPage = lazy(() => import('./success/AskPage'));
const PortfolioPage = lazy(() => import('./accounts/PortfolioPage'));
const AccountPage = lazy(() => import('./accounts/AccountPage'));
const EvalsPage = lazy(() => import('./evals/EvalsPage'));
const KnowledgePage = lazy(() => import('./knowledge/KnowledgePage'));
const RecordsPage = lazy(() => import('./records/RecordsPage'));
const EventsPage = lazy(() => import('./events/EventsPage'));
const SettingsPage = lazy(() => import('./settings/SettingsPage'));

const queries = new QueryClient({
  defaultOptions: {
    // The server may stand in a network of its own: what the browser thinks of being online is no
    // reason to wait with a request.
    mutations: { networkMode: 'always' },
    queries: {
      networkMode: 'always',
      staleTime: 10_000,
      retry: (failures, error) =>
        failures < 2 && !(error instanceof Problem && error.status >= 400 && error.status < 500),
    },
  },
});

function LiveShell() {
  useLiveRefresh();
  return <Shell />;
}

function Console() {
  return (
    <SessionGate>
      <LiveProvider>
        <LiveShell />
      </LiveProvider>
    </SessionGate>
  );
}

const router = createBrowserRouter(
  [
    {
      path: '/',
      element: <Console />,
      children: [
        { index: true, element: <Navigate to="/conversations" replace /> },
        {
          path: 'conversations',
          element: <ConversationsPage />,
          children: [
            { index: true, element: <NoConversation /> },
            { path: ':id', element: <ConversationView /> },
            { path: ':id/runs/:runId', element: <RunView /> },
          ],
        },
        { path: 'runs/:runId', element: <RunView /> },
        { path: 'agents', element: <AgentsPage /> },
        { path: 'agents/new', element: <NewAgentPage /> },
        { path: 'agents/:id', element: <AgentPage /> },
        { path: 'success', element: <AskPage /> },
        { path: 'accounts', element: <PortfolioPage /> },
        { path: 'accounts/:id', element: <AccountPage /> },
        { path: 'knowledge', element: <KnowledgePage /> },
        { path: 'records/:kind?', element: <RecordsPage /> },
        { path: 'events/:tab?', element: <EventsPage /> },
        { path: 'evals', element: <EvalsPage /> },
        { path: 'settings/:tab?', element: <SettingsPage /> },
        { path: '*', element: <NoPage /> },
      ],
    },
  ],
  {
    basename: '/console',
    future: {
      v7_relativeSplatPath: true,
      v7_fetcherPersist: true,
      v7_normalizeFormMethod: true,
      v7_partialHydration: true,
      v7_skipActionErrorRevalidation: true,
    },
  },
);

function NoPage() {
  return (
    <Empty
      icon={icons.search}
      title="There is no such page"
      action={<Link to="/conversations">To the conversations</Link>}
    >
      The address may be mistyped, or what was here has been removed.
    </Empty>
  );
}

const scheme = localStorageColorSchemeManager({ key: 'rapport-color-scheme' });

createRoot(document.getElementById('root') as HTMLElement).render(
  <StrictMode>
    <MantineProvider
      theme={theme}
      cssVariablesResolver={cssVariables}
      colorSchemeManager={scheme}
      defaultColorScheme="auto"
    >
      <Notifications position="top-center" limit={3} />
      <QueryClientProvider client={queries}>
        <NowProvider>
          <RouterProvider router={router} future={{ v7_startTransition: true }} />
        </NowProvider>
      </QueryClientProvider>
    </MantineProvider>
  </StrictMode>,
);
